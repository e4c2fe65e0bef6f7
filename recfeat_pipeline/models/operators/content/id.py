"""An id and nothing else: what the other content operators are held against."""

from recfeat_pipeline.models.operators.operator import ContentOperator

operator = ContentOperator(title="The item's id alone", reads="ids")

"""Words weighed by additive attention, without their order."""

from recfeat_pipeline.models.operators.operator import ContentOperator
from recfeat_pipeline.models.operators.words import WordEncoder

operator = ContentOperator(title="Words, additive attention", reads="text", build=WordEncoder)

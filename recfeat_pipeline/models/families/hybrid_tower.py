"""The tuned two-tower beside EASE, or another counted model."""

from recfeat_pipeline.models.beside import beside
from recfeat_pipeline.models.families.tower import family as tower

family = beside(tower, counted="ease")

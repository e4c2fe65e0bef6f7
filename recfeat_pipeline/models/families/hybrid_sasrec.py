"""SASRec beside Markov, or another counted model."""

from recfeat_pipeline.models.beside import beside
from recfeat_pipeline.models.families.sasrec import family as sasrec

family = beside(sasrec, counted="markov")

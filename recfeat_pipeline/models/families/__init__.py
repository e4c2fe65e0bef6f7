"""A model family a module; see :class:`~recfeat_pipeline.models.family.Family`."""

"""A content source a module; see :class:`~recfeat_pipeline.content.source.Source`."""

"""The English Wikipedia beside one in another language: it fills in fields that the other lacks.

Of several sources that give one label, the earliest with text wins; this one comes late.
"""

from recfeat_pipeline.settings import Settings
from recfeat_pipeline.text.mediawiki import wikimedia_from
from recfeat_pipeline.text.sources.wikipedia import ENGLISH, Wikipedia


class EnglishWikipedia(Wikipedia):
    """The fall-back of texts in another language."""

    name = "english_wikipedia"
    order = 4
    switch = "RECFEAT_TEXT_LANGUAGE"

    @classmethod
    def from_settings(cls, settings: Settings) -> "EnglishWikipedia | None":
        """It, when Wikimedia may be asked and the texts are in another language."""
        if settings.text_language == ENGLISH:
            return None
        wikimedia = wikimedia_from(settings, "wikipedia_base_url", "sparql_url")
        return cls(wikimedia, ENGLISH) if wikimedia else None

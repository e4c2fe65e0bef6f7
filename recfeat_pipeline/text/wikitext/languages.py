"""What articles in German, French, Spanish, Italian, Portuguese and Dutch call things.

Headings are folded (no accents, no case), names of infoboxes as well; parameters are as they stand.
"""

HEADINGS = {
    "plot": r"handlung|inhalt|zusammenfassung"
    r"|synopsis( detaillee)?|resume( detaille)?|intrigue"
    r"|argumento|sinopsis|trama|sinopse|enredo|resumo|verhaal|plotomschrijving",
    "awards": r"auszeichnungen?|auszeichnungen und nominierungen|preise"
    r"|distinctions?|recompenses|nominations et recompenses|prix"
    r"|premios( y nominaciones)?|reconocimientos|palmares"
    r"|riconoscimenti|premi|premios e indicacoes|prijzen",
    "reception": r"kritik(en)?|rezeption|kritiken und rezeption|kritische rezeption"
    r"|accueil( critique| et critiques?)?|reception( critique)?|critiques?( presse)?"
    r"|recepcion( critica)?|criticas?|accoglienza|critica|recepcao( da critica)?|ontvangst",
    "revenue": r"einspielergebnis(se)?|besucherzahlen|einspiel\w*|box office|entrees"
    r"|taquilla|recaudacion|incassi?|bilheteria|bilheteiras?|opbrengst",
}
"""Section kind → headings beside the English ones."""

INFOBOXES = {
    "infobox cinema film": "film",
    "infobox cinema": "film",
    "infobox serie televisee": "series",
    "infobox fernsehsendung": "series",
    "ficha de pelicula": "film",
    "ficha de programa de television": "series",
    "film": "film",
    "fictiontv": "series",
    "info filme": "film",
    "info televisao": "series",
}
DATES = (
    "Erscheinungsjahr", "EJ", "année de sortie", "sortie", "année", "estreno", "año", "anno uscita",
    "ano", "lançamento", "jaar",
)  # fmt: skip
DIRECTORS = (
    "Regie",
    "REG",
    "réalisation",
    "dirección",
    "regista",
    "direção",
    "realização",
    "regie",
)
NAMES = (
    "Deutscher Titel", "DT", "Originaltitel", "OT", "titre", "titre original", "título",
    "título original", "titolo italiano", "titolo originale", "título-or", "titel",
)  # fmt: skip

REVENUE = (
    r"\bspielte\b[^.]{0,80}\b(?:Millionen|Mio)\b|\beinspiel\w*|\bEinspielergebnis\w*"
    r"|\bKinobesucher\w*|\bmillions? d['’]entrées\b|\brecettes\b|\bbox[- ]office\b"
    r"|\brecaud(?:ó|ando|ación|aron)\b|\btaquilla\b|\bincass(?:ò|ato|ando|i|o)\b"
    r"|\barrecad(?:ou|ando|ação)\b|\bbilheteri?as?\b"
)
"""Sentences that tell what a work earned, in these languages."""

"""Degree words of sixteen languages, as patterns: more, less, a little, much.

Longer phrases precede their own prefixes. Scripts without spaces need no space after the phrase.
"""

import re

_LITTLE = (
    "a little bit|a little|a bit|a touch|a tad|slightly|somewhat|"  # en
    "un poco|un poquito|algo "  # es
    "|um pouco|um pouquinho "  # pt
    "|un peu|légèrement "  # fr
    "|un po'|un pochino|leggermente "  # it
    "|ein bisschen|ein wenig|etwas "  # de
    "|een beetje|iets "  # nl
    "|lite|litet|något "  # sv
    "|trochę|nieco "  # pl
    "|biraz "  # tr
    "|sedikit "  # id
    "|чуть-чуть|чуть|немного|слегка "  # ru
    "|قليلا|قليلاً|شوية "  # ar
    "|थोड़ा|थोड़ी|थोड़े "  # hi
)
_MUCH = (
    "very much|very|much|a lot|lots|way|far|even|really|"  # en
    "mucho|muy|aún|muito|bem|ainda|beaucoup|très|bien|encore|molto|ancora "  # es pt fr it
    "|viel|sehr|deutlich|noch|veel|erg|nog|mycket|väldigt|ännu "  # de nl sv
    "|dużo|bardzo|o wiele|znacznie|jeszcze|çok|jauh|sangat "  # pl tr id
    "|гораздо|намного|значительно|очень|ещё|еще|كثيرا|كثيراً|बहुत"  # ru ar hi
)
_MORE = (
    "more of|more|"  # en
    "más|mais|plus de|plus d'|plus|davantage de|di più|più|mehr|meer|mera|mer|bardziej|więcej "
    "|daha fazla|daha çok|daha|lebih banyak|lebih|более|больше|أكثر|ज़्यादा|ज्यादा|और "
)
_LESS = (
    "without any|without|less of|less|fewer|no more|not so|not too|not that|not as|not|no|remove "
    "|minus|"  # en
    "menos|sin|moins de|moins d'|moins|sans|meno|senza|sem|weniger|ohne|nicht so|minder "
    "|zonder|niet zo|mindre|färre|utan|inte så|mniej|bez|daha az|kurangi|kurang|tanpa|менее "
    "|меньше|без|не так|не такая|не такой|أقل|بدون|بلا|कम|बिना"
)
# Written without spaces, or with particles that cling to the word.
_MORE_GLUED = "もっと|もう少し|より|更加|更多|更|再|多一点|多点|더욱|더 많은|더"
_LESS_GLUED = "-|更少|少一点|少点|少|不要|没有|不那么|덜"
_LITTLE_BEHIND = "一点|一些|点"
_LESS_BEHIND = (
    "を減らして|を少なく|少なめで|少なめ|を抜いて|なしで|なし|抜きで|抜き "
    "|없이|빼고|줄여줘|줄여서|줄이고|olmadan|أقل|के बिना|कम"
)
_MORE_BEHIND = "を増やして|多めで|多め|にして|にしてください|늘려줘|늘려서|أكثر|ज़्यादा"
_AND = "y|e|et|und|en|och|i|ve|dan|и|و|और"


def _before(phrases: str, glued: str = "") -> re.Pattern[str]:
    spaced = "|".join(f"{p.strip()}(?:\\s+|(?<='))" for p in phrases.split("|"))
    return re.compile(f"^(?:{spaced}{'|' + glued if glued else ''})\\s*(?=.)")


def _behind(phrases: str) -> re.Pattern[str]:
    ends = "|".join(p.strip() for p in sorted(phrases.split("|"), key=len, reverse=True))
    return re.compile(f"(?<=.)\\s*(?:{ends})$")


PLEASE = re.compile(
    r"\s+(?:please|bitte|por favor|s'il (?:te|vous) plaît|svp|per favore|alsjeblieft|tack|proszę"
    r"|lütfen|пожалуйста|من فضلك|कृपया)$"
)
LITTLE = _before(_LITTLE)
MUCH = _before(_MUCH)
LESS = _before(_LESS, _LESS_GLUED)
MORE = _before(_MORE, _MORE_GLUED)
LESS_BEHIND = _behind(_LESS_BEHIND)
MORE_BEHIND = _behind(_MORE_BEHIND)
LITTLE_BEHIND = _behind(_LITTLE_BEHIND)

_LEADS = "|".join(p.strip() for p in f"{_MORE}|{_LESS}|{_LITTLE}|{_MUCH}".split("|"))
# "and" cuts a remark where another begins behind it: "plus calme et sans batterie".
AND = re.compile(rf"\s+(?:{_AND})\s+(?=(?:{_LEADS})\s)|[、，；]\s*|\s*،\s*")

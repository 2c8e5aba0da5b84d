"""How an article of law is named to people.

«2026 жылғы Салық кодексі, 668-бап, 4-тармақша», «Налоговый кодекс 2026 года, статья 668, подпункт 4».

Reference data cite by codes («Tax Code 2026», «665», «p.1 sp.2»); numbers stand alone, so no ending is glued to them.
"""

import re

from common.papers.parts import Both

_ACTS = {
    "Tax Code": Both("Салық кодексі", "Налоговый кодекс"),
    "CPC": Both("АПК", "ГПК"),
    "APPC": Both("ӘРПК", "АППК"),
    "CrPC": Both("ҚПК", "УПК"),
}
_PARTS = {"p": Both("%s-тармақ", "пункт %s"), "sp": Both("%s-тармақша", "подпункт %s")}


def cite(act: str, article: str, item: str = "") -> Both:
    """Return the citation in the two languages of the court."""
    name, _, year = act.rpartition(" ") if act[-4:].isdigit() else (act, "", "")
    base = _ACTS.get(name, Both(name, name))
    named = Both(f"{year} жылғы {base.kk}", f"{base.ru} {year} года") if year else base
    pieces = [named, Both(f"{article}-бап", f"статья {article}")]
    for kind, number in re.findall(r"\b(sp|p)\.([\d-]+)", item):
        pieces.append(Both(_PARTS[kind].kk % number, _PARTS[kind].ru % number))
    return Both(", ".join(piece.kk for piece in pieces), ", ".join(piece.ru for piece in pieces))

"""QR codes, and the text form of our binary receipts in them.

A receipt travels in a QR code as ``SOT1:`` + base45 (RFC 9285): only characters of the QR alphanumeric mode, which packs
them into 5.5 bits each. The picture is one path traced around the dark areas, so no viewer shows seams between modules.

    decode_qr(encode_qr(b"...")) == b"..."
"""

from html import escape

import segno

from common.errors import N_, Refused

PREFIX = "SOT1:"
QUIET_ZONE_MODULES = 4
QR_TEXT_CHARS_MAX = 2000
"""Version 28 at level L: about 0.27 mm a module at 36 mm, the least a phone reads from a laser print."""
EASY_VERSION_MAX = 20
"""Above 97 modules a stronger code costs more in module size than it gains in correction."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {char: value for value, char in enumerate(_ALPHABET)}


def encode_base45(data: bytes) -> str:
    """Return ``data`` in base45 (RFC 9285, 3): two bytes become three characters, a last single byte two."""
    chars: list[str] = []
    for start in range(0, len(data), 2):
        pair = data[start : start + 2]
        number = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            number, digit = divmod(number, 45)
            chars.append(_ALPHABET[digit])
    return "".join(chars)


def decode_base45(text: str) -> bytes:
    """Return the bytes of base45 ``text``; raise ValueError for anything no encoder writes."""
    data = bytearray()
    for start in range(0, len(text), 3):
        group = text[start : start + 3]
        if len(group) == 1 or any(char not in _VALUES for char in group):
            raise ValueError("not base45")
        number = sum(_VALUES[char] * 45**place for place, char in enumerate(group))
        try:
            data += number.to_bytes(len(group) - 1, "big")
        except OverflowError as error:  # RFC 9285, 4.2: three characters above FFFF are not an encoding
            raise ValueError("not base45") from error
    return bytes(data)


def encode_qr(data: bytes) -> str:
    """Return the text to put into a QR code for our binary ``data``."""
    return PREFIX + encode_base45(data)


def decode_qr(text: str) -> bytes:
    """Return the bytes of a scanned QR text.

    Raises Refused ``qr.not_ours`` for a foreign code and ``qr.broken`` for one of ours that was cut or mistyped.
    """
    # base45 has a space among its characters, but none of its groups ends in one: only line ends are stripped in front
    text = text.lstrip("\ufeff \t\r\n").rstrip()
    if not text.startswith(PREFIX):
        raise Refused("qr.not_ours", N_("This is not the code of a talon. Scan the square code at the top of the talon."), field="qr")
    try:
        return decode_base45(text[len(PREFIX) :])
    except ValueError as error:
        sentence = N_("The code was not read whole. Scan it again, or choose the talon as a file.")
        raise Refused("qr.broken", sentence, field="qr") from error


def qr_svg(text: str, *, css_class: str, label: str = "") -> str:
    """Return an inline SVG of ``text`` without style attributes, dark on white in every theme.

    ``label`` names it for those who listen; without one it is hidden from them. Raises Refused ``qr.too_long``.
    """
    spoken = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return _svg(text, f' class="{escape(css_class)}" {spoken}')


def qr_picture(text: str) -> str:
    """Return a bare SVG of ``text`` for Typst. Raises Refused ``qr.too_long``."""
    return _svg(text, "", quiet=0)


def _svg(text: str, attributes: str, *, quiet: int = QUIET_ZONE_MODULES) -> str:
    modules = _modules(text)
    side = len(modules) + 2 * quiet
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"{attributes}>'
        f'<path fill="#fff" d="M0 0h{side}v{side}h-{side}z"/>'
        f'<path fill="#000" fill-rule="evenodd" d="{_outline(modules, quiet)}"/></svg>'
    )


def _modules(text: str) -> list[list[bool]]:
    if len(text) > QR_TEXT_CHARS_MAX:
        raise Refused("qr.too_long", N_("The text is too long for a code that a phone can read."))
    code = segno.make_qr(text, error="m", boost_error=False)
    if int(code.version) > EASY_VERSION_MAX:
        code = segno.make_qr(text, error="l", boost_error=False)
    return [[bool(module) for module in row] for row in code.matrix]


def _outline(modules: list[list[bool]], quiet: int) -> str:
    """Trace the borders between dark and light into closed loops for the even-odd rule."""
    next_point = _borders(modules)
    loops: list[str] = []
    while next_point:
        start = next(iter(next_point))
        point, heading, corners = start, (0, 0), [start]
        while ends := next_point.get(point):
            # where two loops touch in a corner either way on is right under even-odd
            following = ends.pop()
            if not ends:
                del next_point[point]
            step = (following[0] - point[0], following[1] - point[1])
            if step == heading:
                corners[-1] = following
            else:
                corners.append(following)
            point, heading = following, step
        path = "".join(_step(a, b) for a, b in zip(corners, corners[1:-1], strict=False))
        loops.append(f"M{start[0] + quiet} {start[1] + quiet}{path}z")
    return "".join(loops)


def _step(a: tuple[int, int], b: tuple[int, int]) -> str:
    return f"h{b[0] - a[0]}" if a[1] == b[1] else f"v{b[1] - a[1]}"


def _borders(modules: list[list[bool]]) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Return the directed unit edges with dark at the right hand: point → where its edges lead."""
    side = len(modules)

    def dark(x: int, y: int) -> bool:
        return 0 <= x < side and 0 <= y < side and modules[y][x]

    edges: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for y in range(side):
        for x in (x for x in range(side) if modules[y][x]):
            for here, ahead, beside in (
                ((x, y), (x + 1, y), (x, y - 1)),
                ((x + 1, y), (x + 1, y + 1), (x + 1, y)),
                ((x + 1, y + 1), (x, y + 1), (x, y + 1)),
                ((x, y + 1), (x, y), (x - 1, y)),
            ):
                if not dark(*beside):
                    edges.setdefault(here, []).append(ahead)
    return edges

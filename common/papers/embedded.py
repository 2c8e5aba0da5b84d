"""Files inside a PDF: what a talon carries beside its page."""

import io

import pikepdf

from common.errors import N_, Refused

EMBEDDED_BYTES_MAX = 256 * 1024
"""A receipt has 250 bytes, a machine's certificate 700."""
EMBEDDED_FILES_MAX = 16


def embedded_files(pdf: bytes) -> dict[str, bytes]:
    """Return name → bytes of the files embedded in ``pdf``; raises Refused("pdf.broken") or Refused("pdf.embedded") over a limit."""
    sentence = N_("This PDF cannot be read: it is damaged or of an unusual kind. Save it again as a PDF and try once more.")
    try:
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            names = list(opened.attachments)
            if len(names) > EMBEDDED_FILES_MAX:
                raise Refused("pdf.embedded", N_("There are too many files inside this PDF."))
            return {name: _read(opened, name) for name in names}
    except Refused:
        raise
    except Exception as error:  # noqa: BLE001 - pikepdf's errors have several roots; the fall-back is to refuse the file
        raise Refused("pdf.broken", sentence) from error


def _read(opened: pikepdf.Pdf, name: str) -> bytes:
    stream = opened.attachments[name].get_file()
    if stream.size > EMBEDDED_BYTES_MAX:
        raise Refused("pdf.embedded", N_("There are too many files inside this PDF."))
    data: bytes = stream.read_bytes()
    return data

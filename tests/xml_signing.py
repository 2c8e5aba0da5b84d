"""Signatures in XML for tests, laid out as the national library lays them out: the project itself makes none."""

import base64
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree

from common.pki.algorithms import digest
from common.pki.keystore import Key
from common.pki.xmldsig import C14N, COUNTRY, ENVELOPED

KINDS = {
    "GOST 34.10-2015/512": (f"{COUNTRY}gostr34102015-gostr34112015-512", f"{COUNTRY}gostr34112015-512", "streebog512"),
    "GOST 34.10-2015/256": (f"{COUNTRY}gostr34102015-gostr34112015-256", f"{COUNTRY}gostr34112015-256", "streebog256"),
    "GOST 34.310-2004": (
        "http://www.w3.org/2001/04/xmldsig-more#gost34310-gost34311",
        "http://www.w3.org/2001/04/xmldsig-more#gost34311",
        "gost34311",
    ),
    "RSA-2048": ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256", "sha256"),
    "ECDSA P-256": ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256", "sha256"),
}
WITH_COMMENTS = f"{C14N}#WithComments"


def layout(*, method: str, canonical: str, references: str, value: str, certificate: str, after: str = "") -> str:
    """Return the text of a Signature element."""
    return (
        '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">\n<ds:SignedInfo>\n'
        f'<ds:CanonicalizationMethod Algorithm="{canonical}"/>\n<ds:SignatureMethod Algorithm="{method}"/>\n'
        f"{references}</ds:SignedInfo>\n<ds:SignatureValue>\n{value}\n</ds:SignatureValue>\n<ds:KeyInfo>\n<ds:X509Data>\n"
        f"<ds:X509Certificate>\n{certificate}\n</ds:X509Certificate>\n</ds:X509Data>\n</ds:KeyInfo>{after}\n</ds:Signature>"
    )


def reference(uri: str, transforms: Sequence[str], method: str, value: str) -> str:
    """Return the text of a Reference element."""
    steps = "\n".join(f'<ds:Transform Algorithm="{each}"/>' for each in transforms)
    return (
        f'<ds:Reference URI="{uri}">\n<ds:Transforms>\n{steps}\n</ds:Transforms>\n'
        f'<ds:DigestMethod Algorithm="{method}"/>\n<ds:DigestValue>{value}</ds:DigestValue>\n</ds:Reference>\n'
    )


def sign_xml(document: str, key: Key, *, uri: str = "", form: str = WITH_COMMENTS, info_form: str = C14N, after: str = "") -> bytes:
    """Return ``document`` with a signature as the last child of its root: over all of it, or over the element that ``uri`` names."""
    method, digest_method, name = KINDS[key.certificate.algorithm]
    root = etree.fromstring(document.encode())
    target = root if not uri else root.xpath(f"//*[@Id='{uri[1:]}']")[0]
    exclusive = "exc-c14n" in form
    covered = etree.tostring(target, method="c14n", exclusive=exclusive, with_comments=False)
    transforms = [form] if uri else [ENVELOPED, form]
    references = reference(uri, transforms, digest_method, base64.b64encode(digest(name, covered)).decode())

    def whole(value: str) -> str:
        certificate = base64.encodebytes(key.certificate.der).decode().strip()
        text = layout(method=method, canonical=info_form, references=references, value=value, certificate=certificate, after=after)
        head, end = document.rsplit("</", 1)
        return f"{head}{text}</{end}"

    unsigned = etree.fromstring(whole("AA==").encode())
    info = unsigned.find(".//{http://www.w3.org/2000/09/xmldsig#}SignedInfo")
    value = key.sign(etree.tostring(info, method="c14n", exclusive="exc-c14n" in info_form, with_comments=False))
    if key.certificate.algorithm.startswith("ECDSA"):
        value = b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(value))
    return whole(base64.encodebytes(value).decode().strip()).encode()

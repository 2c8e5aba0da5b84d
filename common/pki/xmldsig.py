"""XML signatures (XMLDSig, W3C 2008) as the country's portals and NCALayer make them: read and verified, never made here.

lxml (libxml2) parses and canonicalizes; the cryptography is that of ``algorithms``. Of the standard only what says plainly what
is signed is taken: a reference to the whole document (``URI=""``) or to one element by its Id, with at most the transforms
"enveloped signature" and one canonical form (C14N 1.0 or exclusive). XPath, XSLT, external addresses, document types,
entities and other encodings than UTF-8 are refused before anything is computed.

What is signed is what is reported: ``Covered.data`` holds the very bytes whose digest was compared, so that a signed element
moved elsewhere in a document ("wrapping") is seen for what it is. Comments are never signed by such references.

Refusals: "xml.broken", "xml.large", "xml.unsigned", "xml.form" (a signature of a form that is not taken), "cms.algorithm". A
signature that is readable but wrong is returned with ``intact`` False.
"""

import base64
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree

from common.errors import N_, Refused
from common.pki.algorithms import (
    ECDSA_SIGNATURES,
    GOST_256_SIGNATURE,
    GOST_512_SIGNATURE,
    GOST_2004_SIGNATURE,
    RSA_SIGNATURES,
    digest,
)
from common.pki.certificates import Certificate, read_certificate
from common.pki.signed_data import ALGORITHM, NO_CERTIFICATE

XML_BYTES_MAX = 4 * 1024 * 1024
MARKS_MAX = 200_000
"""Tags, comments and attributes together: what bounds the memory of the tree."""
NAMESPACES_MAX = 1_000
SIGNATURES_MAX = 8
REFERENCES_MAX = 4
"""Of one signature; with the limits above this bounds the bytes that are hashed."""

DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
_EXCLUSIVE = "{http://www.w3.org/2001/10/xml-exc-c14n#}"
_XML = "{http://www.w3.org/XML/1998/namespace}"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
COUNTRY = "urn:ietf:params:xml:ns:pkigovkz:xmlsec:algorithms:"
_MORE, _ENCRYPTION = "http://www.w3.org/2001/04/xmldsig-more#", "http://www.w3.org/2001/04/xmlenc#"

CANONICAL = {  # identifier → (exclusive, with comments)
    C14N: (False, False),
    f"{C14N}#WithComments": (False, True),
    EXCLUSIVE_C14N: (True, False),
    f"{EXCLUSIVE_C14N}WithComments": (True, True),
}
DIGESTS = {
    f"{COUNTRY}gostr34112015-512": "streebog512",
    f"{COUNTRY}gostr34112015-256": "streebog256",
    f"{_MORE}gost34311": "gost34311",
    f"{_ENCRYPTION}sha256": "sha256",
    f"{_MORE}sha384": "sha384",
    f"{_ENCRYPTION}sha512": "sha512",
}
SIGNATURES = {
    f"{COUNTRY}gostr34102015-gostr34112015-512": GOST_512_SIGNATURE,
    f"{COUNTRY}gostr34102015-gostr34112015-256": GOST_256_SIGNATURE,
    f"{_MORE}gost34310-gost34311": GOST_2004_SIGNATURE,
    **{f"{_MORE}rsa-{name}": oid for oid, name in RSA_SIGNATURES.items()},
    **{f"{_MORE}ecdsa-{name}": oid for oid, name in ECDSA_SIGNATURES.items()},
}
_IDS = ("Id", "ID", "id", f"{_XML}id")
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")

BROKEN = N_("This XML document cannot be read: it is damaged, or of a kind that is not taken here.")
FORM = N_("The XML signature does not say plainly what it signs: its form is not taken here.")


@dataclass(frozen=True, slots=True)
class Covered:
    """One thing that is signed: the document without this signature (``whole``), or one element found by its Id."""

    whole: bool
    element: str
    id: str
    data: bytes
    """The canonical bytes whose digest was compared."""


@dataclass(frozen=True, slots=True)
class XmlSignature:
    """One signature found in a document, in document order."""

    certificate: Certificate
    digest: str
    """The name of the digest that the signature's own algorithm uses."""
    intact: bool
    covers: tuple[Covered, ...]
    comments: bool
    """Whether the document has comments: no signature of these forms covers them."""
    claimed_ms: int | None
    """The time the signer claims, where it is signed (XAdES), ms UTC."""

    @property
    def covers_whole(self) -> bool:
        return any(each.whole for each in self.covers)


def looks_like_xml(data: bytes) -> bool:
    """Return whether ``data`` begins like an XML document."""
    return re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml[\s?]|!--|[A-Za-z_:\x80-\xff])", data[:4096]) is not None


def read_xml_signatures(data: bytes) -> tuple[XmlSignature, ...]:
    """Return the signatures of an XML document; raises Refused as the module says, and nothing else."""
    root = parse_xml(data)
    found = list(root.iter(f"{DSIG}Signature"))
    if not found:
        raise Refused("xml.unsigned", N_("This XML document carries no signature."))
    if len(found) > SIGNATURES_MAX:
        raise Refused("xml.form", FORM)
    comments = next(root.getroottree().iter(etree.Comment), None) is not None
    try:
        return tuple(_read(data, at, comments) for at in range(len(found)))
    except (etree.LxmlError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise Refused("xml.form", FORM) from error


def parse_xml(data: bytes) -> Any:
    """Return the root of a document that has passed every limit; nothing outside of it is ever read.

    Raises Refused("xml.broken" or "xml.large").
    """
    if len(data) > XML_BYTES_MAX or data.count(b"<") + data.count(b"=") > MARKS_MAX or data.count(b"xmlns") > NAMESPACES_MAX:
        raise Refused("xml.large", N_("This XML document is larger than what is checked here."))
    declared = _DECLARED.match(data.removeprefix(b"\xef\xbb\xbf"))
    if b"\0" in data or b"<!DOCTYPE" in data or b"<!ENTITY" in data or (declared and declared[1].lower() not in (b"utf-8", b"us-ascii")):
        raise Refused("xml.broken", BROKEN)
    parser = etree.XMLParser(
        encoding="utf-8",  # whatever is declared: no other reading of the same bytes hides a document type
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,  # libxml2's own limits stay: 256 levels
        collect_ids=False,
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError) as error:
        raise Refused("xml.broken", BROKEN) from error


def _read(data: bytes, at: int, comments: bool) -> XmlSignature:
    """Read the signature number ``at``, in a tree of its own: taking it out of the document changes that."""
    root = parse_xml(data)
    signature = list(root.iter(f"{DSIG}Signature"))[at]
    info, value, key_info = (_the_one(signature, name) for name in ("SignedInfo", "SignatureValue", "KeyInfo"))
    if list(signature)[:3] != [info, value, key_info]:
        raise Refused("xml.form", FORM)
    method = info[1].get("Algorithm")
    if [child.tag for child in info[:2]] != [f"{DSIG}CanonicalizationMethod", f"{DSIG}SignatureMethod"] or len(info[1]):
        raise Refused("xml.form", FORM)
    if method not in SIGNATURES:
        raise Refused("cms.algorithm", ALGORITHM)
    certificate = _certificate(key_info)
    signed_info = _canonical(info, info[0], comments=CANONICAL.get(info[0].get("Algorithm", ""), (False, False))[1])
    intact = _signature_fits(certificate, SIGNATURES[method], bytes_of(value), signed_info)
    references = info[2:]
    if not 1 <= len(references) <= REFERENCES_MAX or any(each.tag != f"{DSIG}Reference" for each in references):
        raise Refused("xml.form", FORM)
    claimed_ms = None
    covers = []
    for reference in references:
        target = _target(root, reference.get("URI"))
        claimed_ms = _claimed_ms(target) if claimed_ms is None else claimed_ms
        covered = _covered(data, at, reference, target)
        name = DIGESTS.get(_the_one(reference, "DigestMethod").get("Algorithm", ""))
        if name is None:
            raise Refused("cms.algorithm", ALGORITHM)
        intact &= hmac.compare_digest(digest(name, covered.data), bytes_of(_the_one(reference, "DigestValue")))
        covers.append(covered)
    digest_name = certificate.key.digest_of(SIGNATURES[method])
    return XmlSignature(certificate, digest_name, intact, tuple(covers), comments, claimed_ms)


def _signature_fits(certificate: Certificate, oid: str, value: bytes, data: bytes) -> bool:
    try:
        certificate.key.digest_of(oid)
    except Refused as error:
        raise Refused("cms.algorithm", ALGORITHM) from error
    if oid in ECDSA_SIGNATURES:  # XMLDSig writes r ‖ s (RFC 4050, 3.3)
        half = len(value) // 2
        if len(value) not in (64, 96, 132):
            return False
        value = encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))
    try:
        return certificate.verify(value, data, oid=oid)
    except Refused:
        return False


def _target(root: Any, uri: str | None) -> Any:
    """Return the element that a reference means: the root, or the only one with that Id in the document."""
    if uri == "":
        return root
    if uri is None or not re.fullmatch(r"#[A-Za-z_][\w.-]{0,255}", uri):
        raise Refused("xml.form", FORM)  # other documents, XPointer
    found = [each for each in root.iter(etree.Element) if any(each.get(name) == uri[1:] for name in _IDS)]
    if len(found) != 1:
        raise Refused("xml.form", FORM)  # two elements of one Id: nobody can say which was meant
    return found[0]


def _covered(data: bytes, at: int, reference: Any, target: Any) -> Covered:
    """Return what a reference covers, with its canonical bytes (XMLDSig 4.4.3.2; same-document references leave comments out)."""
    uri = reference.get("URI")
    method, enveloped = _transforms(reference)
    if enveloped:
        root = parse_xml(data)
        signature = list(root.iter(f"{DSIG}Signature"))[at]
        target = _target(root, uri)
        if signature is target or target not in signature.iterancestors():
            raise Refused("xml.form", FORM)
        _take_out(signature)
    elif uri == "":
        raise Refused("xml.form", FORM)  # a document cannot hold the digest of itself
    canonical = _canonical(target, method, comments=False)
    return Covered(uri == "", etree.QName(target).localname, (uri or "")[1:], canonical)


def _transforms(reference: Any) -> tuple[Any, bool]:
    """Return (the element that names the canonical form or None, whether the signature itself is left out)."""
    steps = [step for part in reference.findall(f"{DSIG}Transforms") for step in part]
    if any(step.tag != f"{DSIG}Transform" for step in steps) or len(steps) > 2:
        raise Refused("xml.form", FORM)
    enveloped = bool(steps) and steps[0].get("Algorithm") == ENVELOPED
    rest = steps[1:] if enveloped else steps
    if len(rest) > 1 or any(step.get("Algorithm") not in CANONICAL for step in rest) or (enveloped and len(steps[0])):
        raise Refused("xml.form", FORM)
    return (rest[0] if rest else None), enveloped


def _canonical(element: Any, method: Any, *, comments: bool) -> bytes:
    """Return the canonical form of ``element`` by ``method`` (None: C14N 1.0) as it stands in its document."""
    name = C14N if method is None else method.get("Algorithm")
    if name not in CANONICAL:
        raise Refused("xml.form", FORM)
    exclusive, _ = CANONICAL[name]
    prefixes = _prefixes(method) if method is not None else []
    if prefixes and not exclusive:
        raise Refused("xml.form", FORM)
    if not exclusive:
        _inherit(element)
    canonical: bytes = etree.tostring(
        element, method="c14n", exclusive=exclusive, with_comments=comments, inclusive_ns_prefixes=prefixes or None
    )
    return canonical


def _inherit(element: Any) -> None:
    """Give ``element`` the xml:… attributes of its ancestors, as C14N 1.0, 2.4 wants; the tree is ours alone."""
    for ancestor in element.iterancestors():
        for name, value in ancestor.attrib.items():
            if name.startswith(_XML) and name not in element.attrib:
                element.set(name, value)


def _prefixes(method: Any) -> list[str]:
    children = list(method)
    if not children:
        return []
    if len(children) > 1 or children[0].tag != f"{_EXCLUSIVE}InclusiveNamespaces":
        raise Refused("xml.form", FORM)
    return (children[0].get("PrefixList") or "").split()


def _take_out(element: Any) -> None:
    """Remove an element and leave the text after it where it is."""
    parent, before = element.getparent(), element.getprevious()
    if element.tail and before is not None:
        before.tail = (before.tail or "") + element.tail
    elif element.tail:
        parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def _certificate(key_info: Any) -> Certificate:
    """Return the signer's certificate: the first one; others beside it are its chain."""
    found = key_info.findall(f"{DSIG}X509Data/{DSIG}X509Certificate")
    if not found:
        raise Refused("xml.form", NO_CERTIFICATE)
    try:
        return read_certificate(bytes_of(found[0]))
    except Refused as error:
        if error.code == "pki.algorithm":
            raise Refused("cms.algorithm", ALGORITHM) from error
        raise


def _claimed_ms(target: Any) -> int | None:
    """Return the signing time out of signed XAdES properties (ETSI EN 319 132-1, 5.2.1)."""
    if target.tag != f"{XADES}SignedProperties":
        return None
    text = target.findtext(f"{XADES}SignedSignatureProperties/{XADES}SigningTime") or ""
    try:
        moment = datetime.fromisoformat(text.strip())
        return int(moment.timestamp() * 1000) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _the_one(parent: Any, name: str) -> Any:
    found = parent.findall(DSIG + name)
    if len(found) != 1:
        raise Refused("xml.form", FORM)
    return found[0]


def base64_of(value: bytes) -> str:
    """Return the spelling of ``value`` that `bytes_of` reads."""
    return base64.b64encode(value).decode()


def bytes_of(element: Any) -> bytes:
    """Return the base64 content of an element, in its one spelling but for white space. Raises Refused("xml.form") or ValueError."""
    text = "".join((element.text or "").split())
    value = base64.b64decode(text, validate=True)
    if len(element) or not value or base64_of(value) != text:
        raise Refused("xml.form", FORM)
    return value

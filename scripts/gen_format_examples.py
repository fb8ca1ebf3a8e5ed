"""Write the generated parts of docs/evidence-format.md, the schemas, the context and the vectors.

Without arguments the generated blocks of the document and the files beside it are rewritten; with
`--check` nothing is written and the exit status is 1 when something is out of date.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run as a file: the builders of the tests are not on the path

from scripts.format_examples import (  # noqa: E402
    CERTIFICATE_KEY,
    CO_KEY,
    STATEMENT_KEY,
    Example,
    co_signed,
    example,
    refused,
    vectors,
)
from scripts.format_schemas import (  # noqa: E402
    context,
    credential_schema,
    field_table,
    format_table,
    import_schema,
    limit_table,
    release_schema,
)
from scripts.generated_files import write_or_compare  # noqa: E402
from verifier.core.disclosures import digest_of  # noqa: E402
from verifier.core.encoding import b64u, unb64u  # noqa: E402
from verifier.core.field_policy import DocumentKind  # noqa: E402
from verifier.core.ids import party_bytes32  # noqa: E402
from verifier.core.keys import PublicKey  # noqa: E402

DOCUMENT = ROOT / "docs" / "evidence-format.md"
SCHEMAS = ROOT / "docs" / "schemas"
VECTORS = ROOT / "tests" / "vectors" / "evidence-certificate"
WIDTH = 96  # of a line of a token

_BLOCK = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end generated -->)", re.DOTALL)


def main() -> int:
    """Write or compare; return the exit status."""
    return write_or_compare(generated(), root=ROOT, description=__doc__)


def generated() -> dict[Path, str]:
    """Return the full text of every generated file."""
    shown = example()
    blocks = {
        "fields-test-certificate": field_table(DocumentKind.TEST_CERTIFICATE),
        "fields-inspection-record": field_table(DocumentKind.INSPECTION_RECORD),
        "formats": format_table(),
        "limits": limit_table(),
        "keys": fenced(keys_block()),
        "body": fenced(body_block(shown)),
        "import": fenced(pretty(shown.document), "json"),
        "header": fenced(header_block(shown)),
        "payload": fenced(payload_block(shown), "json"),
        "disclosure": fenced(disclosure_block(shown)),
        "contents": fenced(contents_block(shown)),
        "certificate": fenced(token_block(shown.issued.compact, shown.issued.leaf)),
        "view": fenced(view_block(shown)),
        "release": fenced(release_block(shown)),
        "co-signature": fenced(co_signature_block(shown)),
        "context": fenced(pretty(context()), "json"),
    }
    document = DOCUMENT.read_text("utf-8")
    named = {name for _, name, _ in _BLOCK.findall(document)}
    if not named <= set(blocks):
        raise SystemExit(f"{DOCUMENT.name} has unknown blocks {sorted(named - set(blocks))}")
    return {
        DOCUMENT: _BLOCK.sub(lambda match: f"{match[1]}{blocks[match[2]]}\n{match[3]}", document),
        SCHEMAS / "import.schema.json": as_json(import_schema()),
        SCHEMAS / "credential.schema.json": as_json(credential_schema()),
        SCHEMAS / "release.schema.json": as_json(release_schema()),
        ROOT / "docs" / "contexts" / "evidence-1.json": as_json(context()),
        VECTORS / "examples.json": as_json(vectors(shown)),
        VECTORS / "refused.json": as_json(refused(shown)),
    }


def keys_block() -> str:
    """Return the public keys of the examples with their names."""
    return "\n".join(
        f"{what}\n  {json.dumps(dict(key.jwk()), separators=(',', ':'))}\n"
        f"  thumbprint {b64u(key.thumbprint())}"
        for what, key in named_keys().items()
    )


def named_keys() -> Mapping[str, PublicKey]:
    """Return the public keys of the examples."""
    return {
        "certificate key (private key 2)": CERTIFICATE_KEY.public_key,
        "statement key (private key 4)": STATEMENT_KEY.public_key,
        "co-signing key (private key 0x1002)": CO_KEY.public_key,
    }


def body_block(shown: Example) -> str:
    """Return the derivation of the example's body id."""
    issuer = shown.issuer
    return (
        f"party  {issuer.party}\n       {party_bytes32(issuer.party).hex()}\n"
        f"did    {issuer.did}\nbody   {issuer.body.hex()}"
    )


def header_block(shown: Example) -> str:
    """Return the header and its segment."""
    segment = shown.issued.jwt.split(".")[0]
    return f"{unb64u(segment, what='header').decode()}\n{wrapped(segment)}"


def payload_block(shown: Example) -> str:
    """Return the payload, broken into lines for reading."""
    payload = json.loads(unb64u(shown.issued.jwt.split(".")[1], what="payload"))
    return pretty(payload)


def disclosure_block(shown: Example) -> str:
    """Return the disclosure of one field from its salt to its digest."""
    at = shown.issued.paths.index("consignment.lot_no")
    text = shown.issued.disclosures[at]
    return "\n".join(
        (
            f"path        {shown.issued.paths[at]}, number {at} of {len(shown.issued.paths)}",
            f"salt        {shown.salts[16 * at : 16 * at + 16].hex()}",
            f"JSON        {unb64u(text, what='disclosure').decode()}",
            f"disclosure  {text}",
            f"digest      {digest_of(text)}",
        )
    )


def contents_block(shown: Example) -> str:
    """Return the disclosure that lists all others."""
    return wrapped(unb64u(shown.issued.disclosures[-1], what="disclosure").decode())


def view_block(shown: Example) -> str:
    """Return a view and what a release statement says of it."""
    _, *disclosures, _ = shown.view.compact.split("~")
    head = f"withheld  {', '.join(shown.view.withheld)}\nreleased  {b64u(shown.view.released)}\n"
    return head + "\n".join(map(wrapped, disclosures))


def release_block(shown: Example) -> str:
    """Return the release statement of the view."""
    statement = shown.statement
    return f"{statement.jws.payload.decode()}\n\n{token_block(statement.jws.text, statement.leaf)}"


def co_signature_block(shown: Example) -> str:
    """Return the example document issued once more with a co-signature, and that."""
    issued, co_signature = co_signed(shown)
    header, payload, signature = co_signature.text.split(".")
    raw = unb64u(header, what="header").decode()
    return "\n".join(
        (
            f"the certificate of section 1.4 with coSignature SM2-SM3: leaf {b64u(issued.leaf)}",
            f"header\n{wrapped(raw)}",
            f"token, its payload of {len(payload)} characters left out\n{wrapped(header)}",
            f".….\n{wrapped(signature)}",
            f"leaf {b64u(co_signature.leaf)}",
        )
    )


def token_block(text: str, leaf: bytes) -> str:
    """Return a token in lines, and its leaf."""
    return f"{wrapped(text)}\nleaf {b64u(leaf)}"


def wrapped(text: str) -> str:
    """Return a long text in lines; the line breaks are no part of it."""
    return "\n".join(text[at : at + WIDTH] for at in range(0, len(text), WIDTH))


def fenced(text: str, language: str = "text") -> str:
    """Return a block of code."""
    return f"```{language}\n{text}\n```"


def pretty(value: Any) -> str:
    """Return JSON for reading."""
    return json.dumps(value, ensure_ascii=False, indent=1)


def as_json(value: Any) -> str:
    """Return the text of a JSON file."""
    return pretty(value) + "\n"


if __name__ == "__main__":
    sys.exit(main())

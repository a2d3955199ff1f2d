"""The process that applies rule files, with bounded memory. Run as `python -m purchasing.einvoices.rules_child`.

It reads requests from standard input, each one line of JSON and the XML behind it, and answers each in one line. It
ends when its input does.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from typing import Any

from lxml import etree
from saxonche import PySaxonApiError, PySaxonProcessor, PyXsltExecutable

from purchasing.einvoices.limits import MEBIBYTE

# The engine reserves address space by the gigabyte and uses little of it: what it writes to is what counts.
_MEMORY = 1024 * MEBIBYTE
_MOST_FINDINGS = 200
_CODE = re.compile(r"\[([A-Z][A-Z0-9-]+)\]")
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"


def main() -> int:
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    engine = PySaxonProcessor(license=False)
    engine.set_configuration_property("http://saxon.sf.net/feature/allowedProtocols", "file")
    compiled: dict[str, PyXsltExecutable] = {}
    while line := sys.stdin.buffer.readline():
        request = json.loads(line)
        xml = sys.stdin.buffer.read(request["bytes"]).decode("utf-8")
        try:
            answer: dict[str, Any] = {"findings": _findings(engine, compiled, request["rules"], xml)}
        except PySaxonApiError as error:
            answer = {"error": f"the rule engine says {str(error)[:300]}"}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()
    return 0


def _findings(
    engine: PySaxonProcessor, compiled: dict[str, PyXsltExecutable], rules: str, xml: str
) -> list[dict[str, str]]:
    if rules not in compiled:
        compiled[rules] = engine.new_xslt30_processor().compile_stylesheet(stylesheet_file=rules)
    report = compiled[rules].transform_to_string(xdm_node=engine.parse_xml(xml_text=xml))
    return [
        _finding(one)
        for one in etree.fromstring(report.encode("utf-8")).findall(f"{_SVRL}failed-assert")[:_MOST_FINDINGS]
    ]


def _finding(failed: Any) -> dict[str, str]:
    """Answer one failed rule: by the code its text begins with, which is the standard's own, else by its id."""
    text = " ".join("".join(failed.itertext()).split())
    named = _CODE.match(text)
    return {
        "code": named[1] if named else failed.get("id", ""),
        "flag": failed.get("flag") or failed.get("role") or "",
        "text": text[:1_000],
        "place": _place(failed.get("location", "")),
    }


def _place(location: str) -> str:
    """Answer a path with namespaces as one without: /*:Invoice[namespace-uri()='…'][1] as /Invoice."""
    steps = []
    for step in location.split("/*:")[1:]:
        name, _, rest = step.partition("[")
        number = rest.rpartition("[")[2].rstrip("]")
        steps.append(name if number == "1" or not number.isdigit() else f"{name}[{number}]")
    return "/" + "/".join(steps) if steps else location[:300]


if __name__ == "__main__":
    sys.exit(main())

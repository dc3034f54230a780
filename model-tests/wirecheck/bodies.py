"""Bodies: multipart, XML, and CPIM, which Wireshark does not know."""
import re
from xml.etree import ElementTree

ADDRESS = re.compile(r'(From|To|cc): .*<[a-z][a-z0-9+.-]*:[^>]*>\s*$')
DATE_TIME = re.compile(r'DateTime: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)')
BARE_LINE_FEED = re.compile(rb'(?<!\r)\n')


def of_sip(message, sdp):
    """The complaints about the body of a SIP message; `sdp` judges a session description."""
    head, _, body = message.partition(b'\r\n\r\n')
    content_type = _field(head, 'content-type|c')
    if not body:
        return []
    if not content_type:
        return ['a body without Content-Type']
    return [complaint for kind, content in _parts(content_type, body) for complaint in _content(kind, content, sdp)]


def _field(head, names):
    found = re.search(rf'(?im)^(?:{names})\s*:\s*([^\r\n]*)', head.decode('utf8', 'replace'))
    return found.group(1).strip() if found else ''


def _parts(content_type, body):
    boundary = re.search(r'(?i)^multipart/.*boundary="?([^";]+)', content_type)
    if not boundary:
        return [(content_type, body)]
    delimiter = b'--' + boundary.group(1).encode()
    first, *parts = (b'\r\n' + body).split(b'\r\n' + delimiter)
    if not parts or not parts[-1].startswith(b'--'):
        return [('', b'')]
    split = [part.removeprefix(b'\r\n').partition(b'\r\n\r\n') for part in parts[:-1]]
    return [(_field(head, 'content-type'), content) for head, _, content in split]


def _content(kind, content, sdp):
    kind = kind.split(';')[0].strip().lower()
    if kind == '':
        return ['a multipart that does not end, or a part without Content-Type']
    if kind == 'application/sdp':
        return sdp(content)
    if kind.endswith('+xml'):
        return xml(content)
    # The CPIM part of a file transfer's INVITE has headers alone.
    return cpim_headers(content.partition(b'\r\n\r\n')[0]) if kind == 'message/cpim' else []


def xml(content):
    try:
        ElementTree.fromstring(content)
        return []
    except ElementTree.ParseError as fault:
        return [f'XML that is not well-formed: {fault}']


def cpim_headers(block):
    if BARE_LINE_FEED.search(block):
        return ['CPIM with a bare line feed']
    lines = [line.decode('utf8', 'replace') for line in block.split(b'\r\n')]
    names = [line.split(':')[0] for line in lines]
    complaints = [f'CPIM without {name}' for name in ('From', 'To', 'DateTime') if name not in names]
    for line, name in zip(lines, names):
        if name in ('From', 'To', 'cc') and not ADDRESS.fullmatch(line):
            complaints.append(f'a CPIM address without <URI>: {line}')
        if name == 'DateTime' and not DATE_TIME.fullmatch(line):
            complaints.append(f'no RFC 3339 time: {line}')
        if '.' in name and not any(other.startswith(f'NS: {name.split(".")[0]} <') for other in lines):
            complaints.append(f'a CPIM header whose namespace is not declared: {line}')
    return complaints


def cpim(message):
    """The complaints about one CPIM message."""
    blocks = message.split(b'\r\n\r\n', 2)
    if len(blocks) < 3:
        return ['CPIM without header, header of the content, and content']
    complaints = cpim_headers(blocks[0])
    head, content = blocks[1], blocks[2]
    if BARE_LINE_FEED.search(head):
        complaints.append('CPIM with a bare line feed before its content')
    kind = _field(head, 'content-type')
    length = _field(head, 'content-length')
    if not kind:
        complaints.append('CPIM content without Content-Type')
    if length and int(length) != len(content):
        complaints.append(f'CPIM Content-Length is {length}, the content has {len(content)} octets')
    return complaints + (xml(content) if '+xml' in kind.lower() else [])

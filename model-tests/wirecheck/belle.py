"""SIP and SDP as libbellesip reads them: an ANTLR grammar of RFC 3261 and RFC 4566, called through ctypes.

The grammar recovers from errors and goes on; it writes them on standard error, where they are caught.
"""
import ctypes
import ctypes.util
import glob
import os
import re
import sys
import tempfile

MANDATORY = ('Via', 'From', 'To', 'Call-ID', 'CSeq')
CONTENT_LENGTH = re.compile(rb'(?im)^(?:content-length|l)\s*:\s*(\d+)')


def _library():
    places = sorted(glob.glob('/usr/lib/*/libbellesip.so.*')) + [ctypes.util.find_library('bellesip')]
    for place in filter(None, places):
        return ctypes.CDLL(place)
    print('libbellesip is not there', file=sys.stderr)
    sys.exit(2)


_belle = _library()
for _name in ('belle_sip_message_parse', 'belle_sdp_session_description_parse', 'belle_sip_message_get_header'):
    getattr(_belle, _name).restype = ctypes.c_void_p
_belle.belle_sip_message_parse.argtypes = [ctypes.c_char_p]
_belle.belle_sdp_session_description_parse.argtypes = [ctypes.c_char_p]
_belle.belle_sip_message_get_header.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
_belle.belle_sip_object_unref.argtypes = [ctypes.c_void_p]
# Without a pool it warns about every object.
_belle.belle_sip_object_pool_push()


def _parse(parser, octets):
    """What the parser made of it, and what it wrote on standard error."""
    with tempfile.TemporaryFile() as caught:
        standard_error = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            made = parser(octets)
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)
        caught.seek(0)
        said = ' '.join(caught.read().decode('utf8', 'replace').split())
    return made, [f'libbellesip: {said[:200]}'] if said else []


def sip(message):
    """The complaints about one SIP message."""
    head, separator, body = message.partition(b'\r\n\r\n')
    if not separator:
        return ['no empty line after the header']
    made, complaints = _parse(_belle.belle_sip_message_parse, head + separator)
    if not made:
        return complaints + [f'libbellesip cannot read {message[:60]!r}']
    wanted = MANDATORY if head.startswith(b'SIP/2.0') else MANDATORY + ('Max-Forwards',)
    for name in wanted:
        if not _belle.belle_sip_message_get_header(made, name.encode()):
            complaints.append(f'{name} is missing or broken')
    length = CONTENT_LENGTH.search(head)
    if body and not length:
        complaints.append('a body without Content-Length')
    if length and int(length.group(1)) != len(body):
        complaints.append(f'Content-Length is {length.group(1).decode()}, the body has {len(body)} octets')
    _belle.belle_sip_object_unref(made)
    return complaints


def sdp(octets):
    """The complaints about one session description."""
    made, complaints = _parse(_belle.belle_sdp_session_description_parse, octets)
    if made:
        _belle.belle_sip_object_unref(made)
    else:
        complaints.append('libbellesip cannot read the session description')
    lines = octets.decode('utf8', 'replace').split('\r\n')
    for letter in 'vostc':
        if not any(line.startswith(f'{letter}=') for line in lines):
            complaints.append(f'a session description without {letter}=')
    return complaints


def split(octets):
    """The messages of a stream, by their Content-Length."""
    while octets := octets.lstrip(b'\r\n'):
        end = octets.find(b'\r\n\r\n')
        if end < 0:
            return
        length = CONTENT_LENGTH.search(octets[:end])
        end += 4 + (int(length.group(1)) if length else 0)
        yield octets[:end]
        octets = octets[end:]

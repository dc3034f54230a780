"""MSRP on a reassembled stream: framing, Byte-Range, transactions, and the CPIM messages in it. RFC 4975 §7, §9."""
import collections
import re

import bodies

START_LINE = re.compile(rb'MSRP ([A-Za-z0-9][A-Za-z0-9.\-+%=]{3,31}) ([A-Z]+|\d{3})( [^\r\n]*)?\r\n')
URI = re.compile(r'msrps?://[^\s/]+(/[^\s;]*)?;[a-z]+(;\S+)*')
BYTE_RANGE = re.compile(r'(\d+)-(\d+|\*)/(\d+|\*)')
REPORT_STATUS = re.compile(r'000 \d{3}( .*)?')


class Direction:
    """What one side of a connection sent."""

    def __init__(self, where, octets, found, seen):
        self.where = where
        self.found = found
        self.seen = seen
        self.requests = {}
        self.responses = {}
        self.chunks = collections.defaultdict(list)
        self._read(octets)

    def _complain(self, what):
        self.found(self.where, what)

    def _read(self, octets):
        at = 0
        while at < len(octets):
            start = START_LINE.match(octets, at)
            if not start:
                return self._complain(f'no start line at offset {at}: {octets[at:at + 60]!r}')
            transaction, method = start.group(1), start.group(2).decode()
            # The line end before the end-line belongs to it; after a header without a body it is the header's own.
            mark = b'\r\n-------' + transaction
            end = octets.find(mark, start.end() - 2)
            flag = octets[end + len(mark):end + len(mark) + 3]
            if end < 0 or flag not in (b'$\r\n', b'+\r\n', b'#\r\n'):
                return self._complain(f'no end-line for transaction {transaction.decode()}')
            self.seen['MSRP frames'] += 1
            self._frame(transaction.decode(), method, octets[start.end():end], flag[:1])
            at = end + len(mark) + 3

    def _frame(self, transaction, method, frame, flag):
        head, separator, body = frame.partition(b'\r\n\r\n')
        fields = self._fields(transaction, head)
        if method.isdigit():
            self.responses[transaction] = int(method)
            return
        self.requests[transaction] = method, fields.get('Failure-Report', 'yes')
        if 'Message-ID' not in fields:
            self._complain(f'{method} {transaction} without Message-ID')
        if method == 'REPORT' and not REPORT_STATUS.fullmatch(fields.get('Status', '')):
            self._complain(f'REPORT {transaction} with Status {fields.get("Status")!r}')
        if method == 'SEND':
            self._send(transaction, fields, body if separator else b'', flag)

    def _fields(self, transaction, head):
        lines = [line.decode('utf8', 'replace') for line in head.split(b'\r\n') if line]
        fields = {}
        for line in lines:
            name, colon, value = line.partition(': ')
            if not colon:
                self._complain(f'{transaction}: a header field without ": ": {line[:60]!r}')
            fields[name] = value
        if list(fields)[:2] != ['To-Path', 'From-Path']:
            self._complain(f'{transaction}: To-Path and From-Path do not come first')
        for name in ('To-Path', 'From-Path'):
            for uri in fields.get(name, '').split(' '):
                if not URI.fullmatch(uri):
                    self._complain(f'{transaction}: {name} has {uri!r}')
        return fields

    def _send(self, transaction, fields, body, flag):
        given = fields.get('Byte-Range', f'1-{len(body)}/{len(body)}')
        byte_range = BYTE_RANGE.fullmatch(given)
        if not byte_range:
            return self._complain(f'SEND {transaction} with Byte-Range {given!r}')
        start, end, total = byte_range.groups()
        if end != '*' and int(end) - int(start) + 1 != len(body):
            self._complain(f'SEND {transaction}: Byte-Range {given}, and {len(body)} octets')
        if body and 'Content-Type' not in fields:
            self._complain(f'SEND {transaction} with a body and no Content-Type')
        chunks = self.chunks[fields.get('Message-ID')]
        if body:
            chunks.append((int(start), body))
        if flag == b'+':
            return
        del self.chunks[fields.get('Message-ID')]
        if flag == b'$' and chunks:
            self._message(transaction, fields, b''.join(octets for _, octets in sorted(chunks)), total)

    def _message(self, transaction, fields, message, total):
        self.seen['MSRP messages'] += 1
        if total != '*' and len(message) != int(total):
            self._complain(f'SEND {transaction}: {len(message)} of {total} octets had come when the message ended')
        if fields.get('Content-Type', '').lower().startswith('message/cpim'):
            for complaint in bodies.cpim(message):
                self._complain(f'SEND {transaction}: {complaint}')

    def settle(self, responses):
        """Holds the requests of this side against the responses of the other."""
        for transaction, (method, failure_report) in self.requests.items():
            if method == 'SEND' and failure_report == 'yes' and transaction not in responses:
                self._complain(f'SEND {transaction} has no response')
            if method == 'REPORT' and transaction in responses:
                self._complain(f'REPORT {transaction} was answered')
        for transaction in responses.keys() - self.requests.keys():
            self._complain(f'a response to {transaction}, which nobody sent')

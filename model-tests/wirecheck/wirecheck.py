#!/usr/bin/env python3
"""Judges a capture of SIP and MSRP by programs that know nothing of this project.

usage: wirecheck.py CAPTURE --sip-ports 5060,5061 --msrp-ports 2855

Wireshark's dissectors find what is malformed; but they raise nothing for most
broken SIP, SDP and MSRP, and know no CPIM. So SIP and SDP are read again by
libbellesip's grammar, and MSRP framing, transactions, CPIM and XML are checked
here, on the reassembled streams.

Prints one line a finding and one of what was looked at.
Exit code: 0 nothing was found, 1 something was, 2 the check could not run.
"""
import argparse
import collections
import subprocess
import sys

import belle
import bodies
import msrp

# What Wireshark says of several MSRP frames in one TCP segment, or one in several, which is legal: it does not put them together.
HARMLESS_IN_MSRP = {'Trailing stray characters', 'Malformed Packet (Exception occurred)'}

# A retransmission, which a busy loopback has too.
HARMLESS = {'New fragment overlaps old data (retransmission?)'}

WARNING = 0x600000


class Stream:
    """One direction of a TCP connection, put together by sequence numbers."""

    def __init__(self):
        self.segments = {}
        self.first = None

    def add(self, seq, octets):
        self.first = seq if self.first is None else self.first
        at = (seq - self.first + 2**31) % 2**32 - 2**31
        if len(octets) > len(self.segments.get(at, b'')):
            self.segments[at] = octets

    def octets(self):
        """All of it. Raises CaptureLost where a segment is missing."""
        whole, end = [], min(self.segments)
        for at, octets in sorted(self.segments.items()):
            if at > end:
                raise CaptureLost(f'{at - end} octets are missing')
            whole.append(octets[end - at:])
            end = max(end, at + len(octets))
        return b''.join(whole)


class CaptureLost(Exception):
    """The capture has not everything that was sent: it can not be judged."""


class Check:
    def __init__(self, capture, sip_ports, msrp_ports):
        self.capture = capture
        self.sip_ports = sip_ports
        self.msrp_ports = msrp_ports
        self.findings = []
        self.seen = collections.Counter()

    def found(self, where, what):
        self.findings.append(f'{where}: {what}')

    def tshark(self, display_filter, fields):
        decode_as = [f'{transport}.port=={port},sip' for port in self.sip_ports for transport in ('udp', 'tcp')]
        decode_as += [f'tcp.port=={port},msrp' for port in self.msrp_ports]
        command = ['tshark', '-r', self.capture, '-Y', display_filter, '-T', 'fields', '-E', 'aggregator=|']
        for name in ('tcp', 'udp', 'ip'):
            command += ['-o', f'{name}.check_checksum:FALSE']
        # How TCP fares is not our subject; missing segments are noticed below.
        command += ['-o', 'tcp.analyze_sequence_numbers:FALSE']
        for rule in decode_as:
            command += ['-d', rule]
        for field in fields:
            command += ['-e', field]
        ran = subprocess.run(command, capture_output=True, text=True)
        if ran.returncode != 0:
            print(f'tshark could not read the capture: {ran.stderr[:500]}', file=sys.stderr)
            sys.exit(2)
        return [line.split('\t') for line in ran.stdout.splitlines()]

    def dissectors(self):
        """Malformed packets, and what Wireshark warns of in our protocols."""
        ours = '(sip || sdp || msrp || xml || mime_multipart)'
        for frame, protocols, severities, messages in self.tshark(
            f'_ws.malformed || ({ours} && _ws.expert.severity >= {WARNING})',
            ['frame.number', 'frame.protocols', '_ws.expert.severity', '_ws.expert.message'],
        ):
            harmless = HARMLESS | HARMLESS_IN_MSRP if 'msrp' in protocols.split(':') else HARMLESS
            for severity, message in zip(severities.split('|'), messages.split('|')):
                if int(severity) >= WARNING and message not in harmless:
                    self.found(f'frame {frame}', message)
        # Not asked of MSRP: the segments in the middle of a frame are nothing to Wireshark.
        ports = ' || '.join(f'tcp.port == {port} || udp.port == {port}' for port in self.sip_ports)
        for (frame,) in self.tshark(f'data && !sip && ({ports})', ['frame.number']):
            self.found(f'frame {frame}', 'Wireshark does not recognise what is on a SIP port')

    def payloads(self):
        streams = collections.defaultdict(Stream)
        fields = ['frame.number', 'tcp.stream', 'tcp.srcport', 'tcp.dstport', 'tcp.seq', 'tcp.payload', 'udp.payload']
        for frame, stream, source, destination, seq, segment, datagram in self.tshark('tcp.len > 0 || udp', fields):
            self.seen['packets'] += 1
            if datagram:
                self.sip(f'frame {frame}', bytes.fromhex(datagram))
            elif segment:
                streams[int(stream), source, destination].add(int(seq), bytes.fromhex(segment))
        return streams

    def sip(self, where, message):
        if not message.strip(b'\r\n\0'):
            return
        self.seen['SIP messages'] += 1
        for complaint in belle.sip(message) + bodies.of_sip(message, belle.sdp):
            self.found(where, complaint)

    def sip_stream(self, where, octets):
        for message in belle.split(octets):
            self.sip(where, message)

    def run(self):
        self.dissectors()
        streams = self.payloads()
        directions = {}
        for (number, source, destination), stream in sorted(streams.items()):
            where = f'stream {number} from port {source}'
            if source in self.sip_ports or destination in self.sip_ports:
                self.sip_stream(where, stream.octets())
            else:
                directions[number, source, destination] = msrp.Direction(where, stream.octets(), self.found, self.seen)
        for (number, source, destination), direction in directions.items():
            back = directions.get((number, destination, source))
            direction.settle(back.responses if back else {})
        if not self.seen['SIP messages']:
            raise CaptureLost('there is no SIP in it')


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    arguments.add_argument('capture')
    arguments.add_argument('--sip-ports', default='5060')
    arguments.add_argument('--msrp-ports', default='2855')
    given = arguments.parse_args()
    check = Check(given.capture, given.sip_ports.split(','), given.msrp_ports.split(','))
    try:
        check.run()
    except CaptureLost as lost:
        print(f'the capture is not whole: {lost}', file=sys.stderr)
        sys.exit(2)
    for finding in check.findings:
        print(finding)
    print(f'{len(check.findings)} findings in {", ".join(f"{count} {what}" for what, count in check.seen.items())}')
    sys.exit(1 if check.findings else 0)


if __name__ == '__main__':
    main()

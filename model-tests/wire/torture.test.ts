/**
 * The 49 messages of RFC 4475 against the running server, over UDP and over TCP.
 *
 * The server takes example.com for its own domain, so that the registrations of the corpus reach its registrar. It knows no
 * user and no group of the names in the corpus.
 */
import type { Socket as Datagrams } from "node:dgram";
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Focus, Ladder, SipPeer, bound, crlf, quiet, token } from "./stranger.ts";

const corpus = new URL("../fixtures/rfc4475/", import.meta.url);
const octetsOf = (file: string): Buffer => readFileSync(new URL(file, corpus));
const { messages } = JSON.parse(octetsOf("verdicts.json").toString()) as { messages: { file: string; section: string; title: string }[] };

/** What each message gets: one of these statuses, or silence. */
const silence: readonly number[] = [];
const expected: Readonly<Record<string, readonly number[]>> = {
  // 3.1.1, valid: read, and answered by what it asks.
  "wsinv.dat": [481],
  "intmeth.dat": [405, 501],
  "esc01.dat": [404],
  "escnull.dat": [200],
  "esc02.dat": [405, 501],
  "lwsdisp.dat": [200],
  "longreq.dat": [404],
  "dblreq.dat": [200],
  "semiuri.dat": [200, 404],
  "transports.dat": [200, 404],
  "mpart01.dat": [404, 405],
  "unreason.dat": silence,
  "noreason.dat": silence,
  // 3.1.2, invalid.
  "badinv01.dat": [400],
  "clerr.dat": [400],
  "ncl.dat": [400],
  "scalar02.dat": [400],
  "scalarlg.dat": silence,
  "quotbal.dat": [400],
  "ltgtruri.dat": [400],
  "lwsruri.dat": [400],
  "lwsstart.dat": [400],
  "trws.dat": [400],
  "escruri.dat": [400],
  "baddate.dat": [400],
  "regbadct.dat": [400],
  "badaspec.dat": [400],
  "baddn.dat": [400],
  "badvers.dat": [505],
  "mismatch01.dat": [400],
  "mismatch02.dat": [400, 501],
  "bigcode.dat": silence,
  // 3.2 and 3.3, well-formed: what is above the grammar decides.
  "badbranch.dat": [200, 400],
  "insuf.dat": [400],
  "unkscm.dat": [416],
  "novelsc.dat": [416],
  "unksm2.dat": [400],
  "bext01.dat": [420],
  "invut.dat": [415],
  "regaut01.dat": [200, 401],
  "multi01.dat": [400],
  "mcl01.dat": [400],
  "bcast.dat": silence,
  "zeromf.dat": [200, 483],
  "cparam01.dat": [200],
  "cparam02.dat": [200],
  "regescrt.dat": [200],
  "sdp01.dat": [404, 406],
  // 3.4: of RFC 2543, without Contact; it is taken, and only the user is nobody here.
  "inv2543.dat": [404],
};

/** Over TCP: nothing tells where the message ends, so that the server waits for more, or refuses and closes. */
const endless = ["clerr.dat"];
const closing = ["ncl.dat", "mcl01.dat", "inv2543.dat"];

/** Those whose sent-by, branch and method are those of a message before them: escnull, cparam01, unkscm. */
const repeating = ["regescrt.dat", "cparam02.dat", "novelsc.dat"];
function octetsFor(file: string): Buffer {
  const octets = octetsOf(file);
  return repeating.includes(file) ? Buffer.from(octets.toString("latin1").replace("branch=z9hG4bKkdjuw", "branch=z9hG4bKkdjuw2"), "latin1") : octets;
}

const statusesIn = (text: string): number[] => [...text.matchAll(/^SIP\/2\.0 (\d{3}) /gm)].map(([, status]) => Number(status));

async function until(holds: () => boolean, ms: number): Promise<void> {
  for (const end = performance.now() + ms; !holds() && performance.now() < end; ) await quiet(4);
}

const quietMs = 60;
const patienceMs = 2_000;

for (const transport of ["udp", "tcp"] as const) {
  describe(`RFC 4475 over ${transport.toUpperCase()}`, () => {
    let focus: Focus;
    let stranger: SipPeer;
    /** Sockets at the ports where the sent-by values of the corpus want their answers, RFC 3261 §18.2.2. */
    let answers: Datagrams[];
    let heard = "";
    // An address that nobody else has in this moment, so that 5060 is free.
    const host = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(2, 255)}`;

    beforeAll(async () => {
      focus = await Focus.start({ more: ["--domain", "example.com"] });
      stranger = await SipPeer.open("stranger", new Ladder(), focus.address);
      answers = await Promise.all([5060, 5050].map((port) => bound(port, host)));
      for (const socket of answers) socket.on("message", (octets) => (heard += octets.toString("latin1")));
    });
    afterAll(async () => {
      for (const socket of answers) socket.close();
      stranger.close();
      await focus.stop(0);
      expect(focus.faults).toEqual([]);
    });

    /** The server is well: an ordinary request has its answer at once. */
    async function isServed(): Promise<void> {
      const before = performance.now();
      const answer = await stranger.asks(crlf(`
OPTIONS sip:example.com SIP/2.0
Via: SIP/2.0/${transport.toUpperCase()} 127.0.0.1:${stranger.port};branch=z9hG4bK${token()}
Max-Forwards: 70
From: <sip:stranger@example.com>;tag=${token()}
To: <sip:example.com>
Call-ID: ${token()}
CSeq: 1 OPTIONS
Content-Length: 0

`), transport);
      expect(answer.startLine).toBe("SIP/2.0 200 OK");
      expect(performance.now() - before).toBeLessThan(200);
    }

    async function byUdp(file: string, wanted: readonly number[]): Promise<void> {
      heard = "";
      answers[0]!.send(octetsFor(file), focus.address.udp, "127.0.0.1");
      // Answers to INVITEs before are repeated, as nobody acknowledges them: only those with this Call-ID count.
      const callId = /^(?:Call-ID|i)[ \t]*:\s*([^\r\n]+)/im.exec(octetsFor(file).toString("latin1"))?.[1]?.trim();
      const own = (): number[] => heard.split(/(?=^SIP\/2\.0 )/m).filter((one) => callId === undefined ? !/^Call-ID/im.test(one) : one.includes(callId)).flatMap(statusesIn).filter((status) => status >= 200);
      if (wanted.length === 0) await quiet(quietMs);
      else await until(() => own().length > 0, patienceMs);
      if (wanted.length === 0) expect(own()).toEqual([]);
      else expect(wanted).toContain(own()[0]);
    }

    async function byTcp(file: string, byDatagram: readonly number[]): Promise<void> {
      // A stream needs its Content-Length, which this one has not: RFC 3261 §18.3.
      const wanted = file === "inv2543.dat" ? [400] : byDatagram;
      const socket = createConnection(focus.address.tcp, "127.0.0.1");
      let said = "";
      let closed = false;
      socket.on("data", (octets) => (said += octets.toString("latin1"))).on("close", () => (closed = true)).on("error", () => {});
      socket.write(file === "baddn.dat" ? Buffer.concat([octetsFor(file), Buffer.from("\r\n")]) : octetsFor(file));
      const own = (): number[] => statusesIn(said).filter((status) => status >= 200);
      const nothing = wanted.length === 0 || endless.includes(file);
      if (nothing) await quiet(quietMs);
      else await until(() => own().length > 0 && (closed || !closing.includes(file)), patienceMs);
      if (nothing) expect(own()).toEqual([]);
      else expect(wanted).toContain(own()[0]);
      if (closing.includes(file)) expect(closed).toBe(true);
      socket.destroy();
    }

    test("the table has every message of the corpus", () => {
      expect(Object.keys(expected).toSorted()).toEqual(messages.map(({ file }) => file).toSorted());
    });

    for (const { section, title, file } of messages) {
      const wanted = expected[file] ?? silence;
      test(`§${section} ${title} (${file}): ${wanted.length === 0 ? "silence" : wanted.join(" or ")}, and the server serves on`, async () => {
        await (transport === "udp" ? byUdp : byTcp)(file, wanted);
        await isServed();
      });
    }
  });
}

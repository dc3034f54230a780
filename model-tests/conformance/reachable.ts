/** Whether anybody is there, before the first tour. */
import { createSocket } from "node:dgram";
import { createConnection } from "node:net";
import type { Address } from "./options.ts";

const patienceMs = 5_000;
const again = 500;

/** Our own address on the way to somebody, or why nobody is reached. */
export type Reached = { readonly local: string } | { readonly why: string };

/** Whoever answers, and be it rubbish, is there. */
export function reach(address: Address, ms = patienceMs): Promise<Reached> {
  return address.transport === "tcp" ? connection(address, ms) : answer(address, ms);
}

function connection({ host, port }: Address, ms: number): Promise<Reached> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const end = (reached: Reached): void => {
      socket.destroy();
      clearTimeout(late);
      resolve(reached);
    };
    const late = setTimeout(() => end({ why: `no connection within ${ms} ms` }), ms);
    socket.once("connect", () => end({ local: socket.localAddress ?? host }));
    socket.once("error", ({ code, message }: NodeJS.ErrnoException) => end({ why: code ?? message }));
  });
}

/** A UDP port is open or not for all that anybody can see: an OPTIONS has to be answered. */
function answer({ host, port }: Address, ms: number): Promise<Reached> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    const end = (reached: Reached): void => {
      clearInterval(repeat);
      clearTimeout(late);
      socket.close();
      resolve(reached);
    };
    let repeat: NodeJS.Timeout | undefined;
    const late = setTimeout(() => end({ why: `no answer to OPTIONS within ${ms} ms` }), ms);
    socket.once("message", () => end({ local: socket.address().address }));
    socket.once("error", ({ code, message }: NodeJS.ErrnoException) => end({ why: code ?? message }));
    socket.connect(port, host, () => {
      const own = socket.address();
      const request = options(`${host.includes(":") ? `[${host}]` : host}:${port}`, `${own.address.includes(":") ? `[${own.address}]` : own.address}:${own.port}`);
      const send = (): void => socket.send(request);
      repeat = setInterval(send, again);
      send();
    });
  });
}

function options(target: string, own: string): string {
  const token = Math.floor(performance.timeOrigin + performance.now()).toString(36);
  return [
    `OPTIONS sip:${target} SIP/2.0`,
    `Via: SIP/2.0/UDP ${own};branch=z9hG4bK${token};rport`,
    "Max-Forwards: 70",
    `From: <sip:tester@${own}>;tag=${token}`,
    `To: <sip:${target}>`,
    `Call-ID: ${token}`,
    "CSeq: 1 OPTIONS",
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n");
}

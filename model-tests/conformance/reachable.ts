/** Whether anybody is there, before the first tour. */
import { createSocket } from "node:dgram";
import { createConnection } from "node:net";

const patienceMs = 5_000;
const again = 500;

interface Address {
  readonly host: string;
  readonly port: number;
  readonly transport: "udp" | "tcp";
}

/** Why nobody can be reached there; undefined: somebody can. Whoever answers, and be it rubbish, is there. */
export function unreachable(address: Address, ms = patienceMs): Promise<string | undefined> {
  return address.transport === "tcp" ? noConnection(address, ms) : noAnswer(address, ms);
}

function noConnection({ host, port }: Address, ms: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const end = (why: string | undefined): void => {
      socket.destroy();
      clearTimeout(late);
      resolve(why);
    };
    const late = setTimeout(() => end(`no connection within ${ms} ms`), ms);
    socket.once("connect", () => end(undefined));
    socket.once("error", ({ code, message }: NodeJS.ErrnoException) => end(code ?? message));
  });
}

/** A UDP port is open or not for all that anybody can see: an OPTIONS has to be answered. */
function noAnswer({ host, port }: Address, ms: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    const end = (why: string | undefined): void => {
      clearInterval(repeat);
      clearTimeout(late);
      socket.close();
      resolve(why);
    };
    let repeat: NodeJS.Timeout | undefined;
    const late = setTimeout(() => end(`no answer to OPTIONS within ${ms} ms`), ms);
    socket.once("message", () => end(undefined));
    socket.once("error", ({ code, message }: NodeJS.ErrnoException) => end(code ?? message));
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

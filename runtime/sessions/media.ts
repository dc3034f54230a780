import type { Fingerprint, MessageMedia, SessionDescription } from "../body/sdp.ts";
import { answerDirection, answerSetup, answerTo } from "../body/sdp.ts";
import type { MsrpEndpoint } from "../msrp/endpoint.ts";
import type { MsrpSession, SessionUser } from "../msrp/session.ts";
import type { Random } from "../random.ts";
import type { Description } from "../sip/to-event.ts";

/** What a leg offers or answers besides where its MSRP session is. */
export type MediaTemplate = Omit<MessageMedia, "kind" | "port" | "protocol" | "connection" | "path" | "setup" | "fingerprints" | "msrpCema">;

/** One MSRP session of ours and the session description that tells of it. */
export class LegMedia {
  readonly session: MsrpSession;
  readonly #secure: boolean;
  readonly #fingerprint: Fingerprint | undefined;
  readonly #sessionId: string;

  /** `secure`: as the peer offered it; undefined where we offer, and take what there is. */
  constructor(msrp: MsrpEndpoint, random: Random, user: SessionUser, offered: boolean | undefined) {
    const secure = offered ?? !msrp.plain;
    this.session = msrp.createSession(user, { transport: secure ? "tls" : "tcp" });
    this.#secure = secure;
    this.#fingerprint = secure ? fingerprintOf(msrp.fingerprint) : undefined;
    // 56 bits: a decimal number that every client can hold. RFC 4566 §5.2
    this.#sessionId = BigInt(`0x${random(56)}`).toString();
  }

  offer(template: MediaTemplate): SessionDescription {
    return { ...this.#own, subject: "-", media: [this.#media(template, "actpass", false)] };
  }

  answer({ whole, media }: Description, template: MediaTemplate): SessionDescription {
    // What the peer only sends we only receive, and so on.
    const direction = media.direction === "sendrecv" ? template.direction : answerDirection(media.direction);
    return answerTo(whole, this.#own, this.#media({ ...template, direction }, answerSetup(media.setup), media.msrpCema === true));
  }

  /** Lets the peer in, or connects to it. @throws {PeerMisbehaved} MSRP_MALFORMED, 400: its path is none */
  open({ whole, media }: Description): void {
    const host = media.connection ?? whole.connection;
    this.session.setRemote({
      path: media.path.join(" "),
      ...(media.setup !== undefined && media.setup !== "holdconn" && { setup: media.setup }),
      ...(media.msrpCema && { cema: true }),
      ...(host !== undefined && { address: { host, port: media.port } }),
      ...(media.fingerprints?.[0] && { fingerprint: `${media.fingerprints[0].hash} ${media.fingerprints[0].value}` }),
    });
  }

  close(): void {
    this.session.close();
  }

  get #own(): Pick<SessionDescription, "origin" | "connection"> {
    const { host } = this.session.localUri;
    const address = host.replace(/^\[|\]$/g, "");
    return { origin: { username: "-", sessionId: this.#sessionId, sessionVersion: "1", host: address }, connection: address };
  }

  #media(template: MediaTemplate, setup: MessageMedia["setup"], cema: boolean): MessageMedia {
    return {
      ...template,
      kind: "message",
      port: this.session.localUri.port ?? 2855,
      protocol: this.#secure ? "TCP/TLS/MSRP" : "TCP/MSRP",
      path: [this.session.localPath],
      setup,
      ...(cema && { msrpCema: true }),
      ...(this.#fingerprint && { fingerprints: [this.#fingerprint] }),
    };
  }
}

function fingerprintOf(text: string | undefined): Fingerprint | undefined {
  const [hash, value] = text?.split(" ") ?? [];
  return hash !== undefined && value !== undefined ? { hash, value } : undefined;
}

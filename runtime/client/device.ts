import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import type { MsrpEndpoint } from "../msrp/endpoint.ts";
import type { SipEndpoint } from "../sip/endpoint.ts";
import type { HeaderFields } from "../sip/content.ts";
import type { Target } from "../sip/transport.ts";
import type { Service } from "../body/feature-tags.ts";

/** Something that passed between a CPM Client and its server. */
export interface WireEvent {
  /** Milliseconds of the client's clock. */
  readonly at: number;
  /** The client, by its name. */
  readonly client: string;
  readonly direction: "sent" | "received";
  readonly protocol: "SIP" | "MSRP";
  /** One line about it. It may hold anything that a peer wrote: escape it before it is shown. */
  readonly text: string;
}

/** What a session needs of the CPM Client that it belongs to. */
export interface Device {
  readonly name: string;
  /** The user's address. */
  readonly uri: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly sip: SipEndpoint;
  readonly msrp: MsrpEndpoint;
  /** Where every request goes. */
  readonly server: Target;
  /** The value of our Contact. */
  contact(service: Service): string;
  /** The header fields of a request that asks for the service. */
  serviceHeaders(service: Service, addressee: "user" | "group"): HeaderFields;
  /** An identity for what the Call-ID begins. */
  contributionIdOf(callId: string): string;
  tell(direction: WireEvent["direction"], protocol: WireEvent["protocol"], text: string): void;
}

import type { Seat, SeatState } from "../../machines/terms.ts";
import type { ConferenceEndpoint, ConferenceUser } from "../body/conference-info.ts";
import { addressOf } from "../sip/identity.ts";
import { reasonPhrases } from "../sip/reason-phrases.ts";

interface Occupant {
  /** As the URI was written by whoever named the user first. */
  readonly uri: string;
  readonly address: string;
  /** As the user, or whoever named it, wrote it. */
  name: string | undefined;
  readonly joiningMethod: "dialed-in" | "dialed-out";
  /** The final response that refused the last invitation; none since the user was connected. */
  lastStatus: number | undefined;
}

/** Who sits where: the addresses behind a group's seats. */
export class Roster {
  readonly #occupants: Occupant[] = [];
  readonly #seats = new Map<string, Seat>();

  /** Seats that have been given. */
  get size(): number {
    return this.#occupants.length;
  }

  seatOf(address: string): Seat | undefined {
    return this.#seats.get(address);
  }

  uriOf(seat: Seat): string {
    return this.#occupants[seat]!.uri;
  }

  isAddressOf(seat: Seat, address: string): boolean {
    return this.#occupants[seat]?.address === address;
  }

  /** Gives a seat to a user, and takes it from the one who had it. */
  seat(seat: Seat, uri: string, joiningMethod: Occupant["joiningMethod"], name: string | undefined): void {
    const before = this.#occupants[seat];
    if (before) this.#seats.delete(before.address);
    const address = addressOf(uri);
    this.#occupants[seat] = { uri, address, name, joiningMethod, lastStatus: undefined };
    this.#seats.set(address, seat);
  }

  /** Who sits there, as it was told to us. */
  occupant(seat: Seat): Readonly<Omit<Occupant, "address">> {
    return this.#occupants[seat]!;
  }

  /** The user says its name itself. */
  rename(seat: Seat, name: string | undefined): void {
    const occupant = this.#occupants[seat];
    if (occupant && name !== undefined) occupant.name = name;
  }

  remember(seat: Seat, status: number | undefined): void {
    const occupant = this.#occupants[seat];
    if (occupant) occupant.lastStatus = status;
  }

  /** What a watcher is told of one user. @see RFC 4575 §5.6 */
  user(seat: Seat, state: SeatState, watcher: Seat): ConferenceUser {
    const { uri } = this.#occupants[seat]!;
    return {
      entity: uri,
      state: "full",
      ...(seat === 0 && { roles: ["chairman"] }),
      ...(seat === watcher && { yourown: true }),
      endpoints: [{ entity: uri, ...this.#endpoint(this.#occupants[seat]!, state) }],
    };
  }

  #endpoint({ joiningMethod, lastStatus }: Occupant, { status }: SeatState): Omit<ConferenceEndpoint, "entity"> {
    switch (status) {
      case "connected":
        return { status: "connected", joiningMethod };
      case "invited":
        return { status: "pending" };
      case "left":
        return { status: "disconnected", disconnectionMethod: "departed" };
      case "removed":
        return { status: "disconnected", disconnectionMethod: "booted" };
      case "declined":
        return { status: "disconnected", disconnectionMethod: "failed", disconnectionReason: reasonOf(603) };
      case "away":
      case "failed":
        return {
          status: "disconnected",
          disconnectionMethod: lastStatus === 486 ? "busy" : "failed",
          ...(lastStatus !== undefined && { disconnectionReason: reasonOf(lastStatus) }),
        };
    }
  }
}

const reasonOf = (status: number): string => `SIP;cause=${status};text="${reasonPhrases[status] ?? ""}"`;


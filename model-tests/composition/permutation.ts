/** Users change seats: the same server, and somebody else is who. */
import type { AnyMachineSnapshot } from "xstate";
import { restore } from "../../machines/step.ts";
import type { Seat, SeatState } from "../../machines/terms.ts";
import { placeOf, seatOf, type Address, type ControllingFunction, type Instance, type Relay, type Server } from "./controlling-function.ts";

/** A server in which users have changed seats. */
export function permuted({ instances, relays }: Server, to: (seat: Seat) => Seat, functions: ControllingFunction): Server {
  const seatsOf = new Map([...relays].map(([transfer, { seats }]) => [transfer, [...seats].map(to).sort((a, b) => a - b)]));
  const recipientTo = (transfer: number, recipient: number): number => seatsOf.get(transfer)!.indexOf(to(relays.get(transfer)!.seats[recipient]!));
  const moved = [...instances.values()].map((instance): Instance => {
    const seat = instance.seat === undefined ? undefined : to(instance.seat);
    return { ...instance, seat, address: addressTo(instance, to, recipientTo), local: localTo(instance, to, recipientTo, functions) };
  });
  const files = [...relays.values()].map((relay): Relay => ({ ...relay, seats: seatsOf.get(relay.transfer)!, serves: relay.serves.map((recipient) => recipientTo(relay.transfer, recipient)).sort((a, b) => a - b) }));
  return { instances: new Map(moved.map((instance) => [instance.address, instance])), relays: new Map(files.map((relay) => [relay.transfer, relay])) };
}

function addressTo({ address, machine }: Instance, to: (seat: Seat) => Seat, recipientTo: (transfer: number, recipient: number) => number): Address {
  if (machine === "group-participant" || machine === "conference-subscription") return `${address.split(" ")[0]} ${to(seatOf(address))}.${placeOf(address)}`;
  return machine === "large-message-recipient" ? `recipient ${seatOf(address)}.${recipientTo(seatOf(address), placeOf(address))}` : address;
}

function localTo(instance: Instance, to: (seat: Seat) => Seat, recipientTo: (transfer: number, recipient: number) => number, functions: ControllingFunction): number {
  const locals = functions.localsOf(instance);
  const { value, context, status } = locals.snapshots[instance.local]!;
  const changed = (more: object) => locals.indexOf(restore(locals.machine, { value, context: { ...context, ...more }, status }) as AnyMachineSnapshot);
  const moved = <T>(items: readonly T[], where: (index: number) => number): T[] => {
    const made = [...items];
    items.forEach((item, index) => (made[where(index)] = item));
    return made;
  };
  if (instance.machine === "group-session") return changed({ seats: moved((context as { seats: readonly SeatState[] }).seats, to) });
  if (instance.machine === "large-message") return changed({ recipients: moved((context as { recipients: readonly string[] }).recipients, (recipient) => recipientTo(seatOf(instance.address), recipient)) });
  return instance.local;
}

/** All that the server knows of one user, and of nobody else, as a word. */
export function knownOf({ instances, relays }: Server, seat: Seat, functions: ControllingFunction): string {
  const legs = [...instances.values()].filter((instance) => instance.seat === seat).map(({ address, machine, local, device }) => `${machine === "group-participant" ? address.split(".")[1] : machine} ${local} ${device}`);
  const group = functions.snapshotOf(instances.get("group")!).context as { seats: readonly SeatState[] };
  const files = [...relays.values()].map(({ transfer, seats, serves }) => {
    const recipient = seats.indexOf(seat);
    const message = instances.get(`message ${transfer}`);
    const status = message && (functions.snapshotOf(message).context as { recipients: readonly string[] }).recipients[recipient];
    return `${recipient >= 0} ${serves.includes(recipient)} ${status}`;
  });
  return JSON.stringify([group.seats[seat], legs, files]);
}

import { readdirSync, readFileSync } from "node:fs";
import { PeerMisbehaved, type Fault } from "../runtime/errors.ts";

const root = new URL("fixtures/", import.meta.url);

/** The octets of one fixture, e.g. `sdp/group-file.sdp`. */
export const fixture = (path: string): Buffer => readFileSync(new URL(path, root));

/** The paths of the fixtures of one kind; those in its folder `malformed` are listed as `sdp/malformed`. */
export const fixturesIn = (folder: string): string[] =>
  readdirSync(new URL(`${folder}/`, root), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${folder}/${entry.name}`);

/** The fault that `act` throws; anything else that it throws is thrown on. */
export function faultOf(act: () => unknown): Fault | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof PeerMisbehaved) return error.fault;
    throw error;
  }
  return undefined;
}

/** The clock of a tester: timers of machines expire on command, in the machine that was named, and never by themselves. */
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { ControlledClock } from "../runtime/controlled-clock.ts";
import { Session, Turns } from "../runtime/session.ts";

/** Dialogs that ring in one group, under a clock that obeys lines. */
function ringing(count: number) {
  const clock = new ControlledClock();
  const turns = new Turns<never>({ clock, failed: (fault) => expect.fail(String(fault)) });
  const sessions = Array.from({ length: count }, (_, number) => {
    const session: Session<never> = new Session(turns, "group-participant", undefined, "group", `${number}`, { perform() {}, refuse() {}, lengthOf: () => 1, ended() {} });
    session.tell({ type: "group.invite" });
    return session;
  });
  const commands = new PassThrough();
  const answers = new PassThrough();
  clock.obey(commands, answers);
  const says = async (line: string): Promise<unknown> => {
    commands.write(`${line}\n`);
    await sleep(0);
    return JSON.parse(String(answers.read()));
  };
  return { sessions, says, states: () => sessions.map(({ snapshot }) => (typeof snapshot.value === "string" ? snapshot.value : Object.keys(snapshot.value)[0])) };
}

const expire = (of: object) => JSON.stringify({ expire: { group: "group", machine: "group-participant", timer: "ringMs", ...of } });

test("a timer of one millisecond waits for its command, and the other machines' for theirs", async () => {
  const { says, states } = ringing(3);
  await sleep(20);
  expect(states()).toEqual(["calling", "calling", "calling"]);
  expect(await says(expire({ nth: 1 }))).toEqual({ expired: true });
  expect(states()).toEqual(["calling", "givingUp", "calling"]);
  // The second in which it runs is now the third that began.
  expect(await says(expire({ nth: 1 }))).toEqual({ expired: true });
  expect(states()).toEqual(["calling", "givingUp", "givingUp"]);
});

test("a timer that does not run, that was stopped, or of somebody else does not expire", async () => {
  const { sessions, says, states } = ringing(1);
  for (const of of [{ timer: "cancelMs" }, { group: "other" }, { machine: "large-message-recipient" }, { nth: 1 }]) expect(await says(expire(of))).toEqual({ expired: false });
  sessions[0]!.tell({ type: "sip.rejected", outcome: "declined" });
  expect(await says(expire({}))).toEqual({ expired: false });
  expect(states()).toEqual(["declined"]);
});

test("what is no command is refused, and the next line is heard", async () => {
  const { says, states } = ringing(1);
  for (const line of ["expire", "{}", "null", '{"expire":{"group":1}}']) expect(await says(line)).toEqual({ refused: line });
  expect(await says(expire({}))).toEqual({ expired: true });
  expect(states()).toEqual(["givingUp"]);
});

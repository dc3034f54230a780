import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { policies } from "../machines/policies.ts";
import { ConfigurationRefused, help, readConfiguration, type Configuration } from "../runtime/config.ts";

const directory = mkdtempSync(join(tmpdir(), "cpm-configuration-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

const options = ["listen", "msrp", "advertise", "tls-key", "tls-cert", "domain", "factory", "data", "trust", "route", "policy", "config", "trace", "clock", "admin", "admin-token", "log-level"];

const read = (args: readonly string[], environment: Record<string, string> = {}): Configuration => readConfiguration(args, environment);

function refusal(args: readonly string[], environment: Record<string, string> = {}): string {
  try {
    read(args, environment);
  } catch (fault) {
    if (fault instanceof ConfigurationRefused) return fault.message;
    throw fault;
  }
  return "taken";
}

test("the defaults: loopback alone, SIP at 5060, MSRP at 2855, loopback trusted", () => {
  const { listen, msrp, domain, factory, data, trusted, route, policies: values, logLevel, trace } = read([]);
  expect(listen).toEqual([{ transport: "udp", host: "127.0.0.1", port: 5060 }, { transport: "tcp", host: "127.0.0.1", port: 5060 }]);
  expect(msrp).toEqual([{ transport: "tcp", host: "127.0.0.1", port: 2855 }]);
  expect([domain, factory, data, route, logLevel, trace]).toEqual(["cpm.example", "sip:conference-factory@cpm.example", "./data", undefined, "info", undefined]);
  expect([trusted.check("127.200.3.4"), trusted.check("128.0.0.1"), trusted.check("::1", "ipv6"), trusted.check("::2", "ipv6")]).toEqual([true, false, true, false]);
  expect(values.groupFileTransfer).toBe("supported");
});

describe("--help names", () => {
  for (const option of options)
    test(`--${option}`, () => {
      expect(help()).toMatch(new RegExp(`^  --${option} [A-Z]`, "m"));
    });

  for (const [name, policy] of Object.entries(policies))
    test(`${name}, with what it takes and its default`, () => {
      const values = policy.unit === "word" ? policy.values.join("|").replaceAll("|", "\\|") : policy.unit;
      expect(help()).toMatch(new RegExp(`^  ${name}=${values}\\n      .*\\(default ${policy.default}\\)$`, "m"));
    });

  test("the environment, the file and the signals", () => {
    for (const word of ["CPM_", "--config", "SIGHUP", "SIGTERM"]) expect(help()).toContain(word);
  });
});

describe("refused in one line that names the option and the value", () => {
  const cases: readonly (readonly [args: readonly string[], ...says: string[]])[] = [
    [["--bogus"], "--bogus"],
    [["--listen"], "--listen"],
    [["extra"], "extra"],
    [["--listen", "5060"], "--listen", "5060"],
    [["--listen", "sctp:127.0.0.1:5060"], "--listen", "sctp"],
    [["--listen", "udp:127.0.0.1:65536"], "--listen", "65536"],
    [["--listen", "udp:localhost:5060"], "--listen", "localhost"],
    [["--listen", "udp:::1:5060"], "--listen", "::1"],
    [["--msrp", "udp:127.0.0.1:2855"], "--msrp", "udp"],
    [["--listen", "tls:127.0.0.1:5061"], "--tls-key", "--tls-cert"],
    [["--msrp", "tls:127.0.0.1:2856"], "--tls-key", "--tls-cert"],
    [["--tls-key", "key.pem"], "--tls-key", "--tls-cert"],
    [["--tls-key", join(directory, "absent"), "--tls-cert", join(directory, "absent")], "--tls-key", "absent", "ENOENT"],
    [["--domain", ""], "--domain"],
    [["--domain", "cpm example"], "--domain", "cpm example"],
    [["--domain", 'cpm"example'], "--domain"],
    [["--advertise", "a b"], "--advertise", "a b"],
    [["--factory", "conference-factory"], "--factory", "conference-factory"],
    [["--route", "127.0.0.1:5070"], "--route", "127.0.0.1:5070"],
    [["--route", "sip:127.0.0.1:70000;lr"], "--route", "70000"],
    [["--trust", "localhost"], "--trust", "localhost"],
    [["--trust", "10.0.0.0/33"], "--trust", "10.0.0.0/33"],
    [["--trust", "::1/129"], "--trust", "::1/129"],
    [["--trust", "10.0.0.0/"], "--trust", "10.0.0.0/"],
    [["--policy", "maxGroupSize"], "--policy", "maxGroupSize"],
    [["--policy", "=1"], "--policy"],
    [["--policy", "maxgroupsize=3"], "--policy", "maxgroupsize"],
    [["--policy", "__proto__=3"], "--policy", "__proto__"],
    [["--policy", "maxGroupSize=1"], "maxGroupSize", "2"],
    [["--policy", "maxGroupSize=-5"], "maxGroupSize"],
    [["--policy", "maxGroupSize=1e3"], "maxGroupSize"],
    [["--policy", "maxGroupSize="], "maxGroupSize"],
    [["--policy", "minParticipants=5", "--policy", "maxGroupSize=4"], "minParticipants is 5", "maxGroupSize, which is 4"],
    [["--policy", "subscriptionMs=1000"], "minSubscriptionMs is 60000", "subscriptionMs, which is 1000"],
    [["--policy", "sessionExpiresMs=90000"], "sessionRefreshMs is 900000", "sessionExpiresMs, which is 90000"],
    [["--policy", "wrappedTypes=maybe"], "wrappedTypes", "acceptTypes", "rejectAll"],
    [["--log-level", "loud"], "--log-level", "error, warn, info, debug"],
    [["--clock", "broken"], "--clock", "system, controlled"],
    [["--config", join(directory, "absent.json")], "--config", "absent.json", "ENOENT"],
    [["--config", directory], "--config", "EISDIR"],
    [["--config", file("broken.json", "{")], "broken.json"],
    [["--config", file("list.json", "[]")], "list.json"],
    [["--config", file("null.json", "null")], "null.json"],
    [["--config", file("key.json", '{"domian": "x"}')], "key.json", "domian"],
    [["--config", file("proto.json", '{"constructor": "x"}')], "proto.json", "constructor"],
    [["--config", file("nested.json", '{"config": "other.json"}')], "nested.json", "config"],
    [["--config", file("kind.json", '{"domain": {"a": 1}}')], "kind.json", "domain"],
    [["--config", file("policy.json", '{"policy": {"maxGroupSize": true}}')], "maxGroupSize"],
  ];
  for (const [args, ...says] of cases)
    test(args.map((word) => word.replace(directory, "…")).join(" "), () => {
      const line = refusal(args);
      expect(line).not.toBe("taken");
      expect(line).not.toMatch(/[\r\n]/);
      for (const word of says) expect(line).toContain(word);
    });

  test("from the environment too", () => {
    expect(refusal([], { CPM_LISTEN: "udp:127.0.0.1:0 nonsense" })).toContain("nonsense");
    expect(refusal([], { CPM_POLICY: "ringMs=0" })).toContain("ringMs");
    expect(refusal([], { CPM_CONFIG: join(directory, "absent.json") })).toContain("absent.json");
  });
});

describe("from where", () => {
  const said = { domain: "file.example", listen: ["tcp:127.0.0.1:1", "tcp:127.0.0.1:2"], data: "/file", policy: { ringMs: 1, maxGroupSize: 11, wrappedTypes: "exclude" } };
  const config = file("said.json", JSON.stringify(said));
  const environment = { CPM_DOMAIN: "environment.example", CPM_LISTEN: "udp:127.0.0.1:3 udp:[::1]:4", CPM_POLICY: "ringMs=2,maxGroupSize=22", CPM_LOG_LEVEL: "" };

  test("the file before the defaults; a number is as good as a text; what it leaves out stays", () => {
    const { domain, listen, data, msrp, policies: values } = read(["--config", config]);
    expect([domain, data]).toEqual(["file.example", "/file"]);
    expect(listen.map(({ port }) => port)).toEqual([1, 2]);
    expect(msrp[0]?.port).toBe(2855);
    expect([values.ringMs, values.maxGroupSize, values.wrappedTypes, values.maxDevices]).toEqual([1, 11, "exclude", 8]);
  });

  test("the environment before the file, policy by policy; an empty variable says nothing", () => {
    const { domain, listen, data, logLevel, policies: values } = read(["--config", config], environment);
    expect([domain, data, logLevel]).toEqual(["environment.example", "/file", "info"]);
    expect(listen).toEqual([{ transport: "udp", host: "127.0.0.1", port: 3 }, { transport: "udp", host: "::1", port: 4 }]);
    expect([values.ringMs, values.maxGroupSize, values.wrappedTypes]).toEqual([2, 22, "exclude"]);
  });

  test("the command line before the environment, the last word before the first; a list replaces a list", () => {
    const { domain, listen, policies: values } = read(
      ["--config", config, "--domain", "one.example", "--domain", "Two.Example", "--listen", "tcp:127.0.0.1:5", "--policy", "ringMs=3", "--policy", "ringMs=4"],
      environment,
    );
    expect(domain).toBe("two.example");
    expect(listen.map(({ port }) => port)).toEqual([5]);
    expect([values.ringMs, values.maxGroupSize, values.wrappedTypes]).toEqual([4, 22, "exclude"]);
  });

  test("the file may be named by the environment, and a list of policies is as good as an object", () => {
    const listed = file("listed.json", JSON.stringify({ policy: ["ringMs=5", "longLived=no"], trust: "10.0.0.0/8" }));
    const { policies: values, trusted } = read([], { CPM_CONFIG: listed });
    expect([values.ringMs, values.longLived]).toEqual([5, "no"]);
    expect([trusted.check("10.1.2.3"), trusted.check("127.0.0.1")]).toEqual([true, false]);
  });

  for (const option of options.filter((one) => !["config", "tls-key", "tls-cert", "admin-token"].includes(one)))
    test(`CPM_${option.toUpperCase().replaceAll("-", "_")} is --${option}`, () => {
      const value = { listen: "udp:127.0.0.1:7", msrp: "tcp:127.0.0.1:7", factory: "sip:f@x.example", trust: "10.0.0.0/8", route: "sip:127.0.0.1:7;lr", policy: "ringMs=7", clock: "controlled", admin: "127.0.0.1:7", "log-level": "debug" }[option] ?? "seven.example";
      const bySwitch = read([`--${option}`, value]);
      const byVariable = read([], { [`CPM_${option.toUpperCase().replaceAll("-", "_")}`]: value });
      const shown = ({ trusted, ...rest }: Configuration) => ({ ...rest, rules: trusted.rules });
      expect(shown(byVariable)).toEqual(shown(bySwitch));
      expect(shown(byVariable)).not.toEqual(shown(read([])));
    });
});

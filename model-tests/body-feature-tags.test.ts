import { describe, expect, test } from "vitest";
import { formatAcceptContact, formatFeature, formatInstance, formatServiceId, isFocus, serviceOf, services, sipInstance } from "../runtime/body/feature-tags.ts";

const asked = (fields: Partial<Parameters<typeof serviceOf>[0]>) => serviceOf({ acceptContact: [], contact: [], service: [], ...fields });

describe("the service that a request asks for", () => {
  test.each([
    '*;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.filetransfer"',
    '*;+g.3gpp.icsi-ref="urn%3aurn-7%3a3gpp-service.ims.icsi.oma.cpm.filetransfer"',
    '*;+g.3gpp.icsi-ref="urn:urn-7:3gpp-service.ims.icsi.oma.cpm.filetransfer"',
    '*; +G.3GPP.ICSI-REF = "URN%3AURN-7%3A3GPP-SERVICE.IMS.ICSI.OMA.CPM.FILETRANSFER" ;explicit;require',
    '*;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.mmtel,urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.filetransfer"',
    '*;audio, *;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.filetransfer";require',
    '*;+g.3gpp.iari-ref="urn%3Aurn-7%3A3gpp-application.ims.iari.rcse.ft";+g.oma.sip-im',
  ])("Accept-Contact: %s", (line) => expect(asked({ acceptContact: [line] })).toBe("filetransfer"));

  test.each([
    ["*;+g.oma.sip-im", "session"],
    ['*;+g.oma.sip-im="true"', "session"],
    ['*;+g.3gpp.iari-ref="urn%3Aurn-7%3A3gpp-application.ims.iari.rcse.im"', "session"],
    ["*;+g.oma.sip-im;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.largemsg\"", "largemsg"],
    ['*;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.unheard-of"', undefined],
    ['*;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.sessions"', undefined],
    ["*;audio", undefined],
    ["*", undefined],
    ["", undefined],
  ])("Accept-Contact: %s is %s", (line, service) => expect(asked({ acceptContact: [line] })).toBe(service));

  test.each(services)("P-Asserted-Service of %s, with .group or without", (service) => {
    expect(asked({ service: [`urn:urn-7:3gpp-service.ims.icsi.oma.cpm.${service}`] })).toBe(service);
    expect(asked({ service: [`other, URN:urn-7:3gpp-service.ims.icsi.oma.cpm.${service}.GROUP`] })).toBe(service);
    expect(asked({ service: [formatServiceId(service)] })).toBe(service);
    expect(asked({ service: [formatServiceId(service, "user")] })).toBe(service);
    expect(asked({ acceptContact: [formatAcceptContact(service)] })).toBe(service);
  });

  test("the feature tag comes before the service identifier, which comes before Contact", () => {
    const acceptContact = [formatAcceptContact("filetransfer")];
    const service = [formatServiceId("session")];
    const contact = [`<sip:alice@192.0.2.1>;${formatFeature("msg")}`];
    expect(asked({ acceptContact, service, contact })).toBe("filetransfer");
    expect(asked({ service, contact })).toBe("session");
    expect(asked({ contact })).toBe("msg");
  });

  test("of several feature tags the service identifier's counts; a device that can do several asks for none", () => {
    const acceptContact = [`*;${formatFeature("msg", "largemsg", "deferred")}`];
    expect(asked({ acceptContact })).toBe("msg");
    expect(asked({ acceptContact, service: [formatServiceId("largemsg")] })).toBe("largemsg");
    expect(asked({ contact: [`<sip:alice@192.0.2.1>;${formatFeature("msg", "largemsg")}`] })).toBeUndefined();
  });
});

test("a thousand spellings of Accept-Contact are each read as what they say, and again", () => {
  const lines = Array.from({ length: 1000 }, (_, k) => `*;+x.k${k}="${"y".repeat(k)}";${formatFeature(services[k % services.length]!)}`);
  for (const line of [...lines, ...lines]) expect(asked({ acceptContact: [line] })).toBe(services[lines.indexOf(line) % services.length]);
  expect(asked({ acceptContact: ["*;audio", formatAcceptContact("msg")] })).toBe("msg");
});

test("as the flows write them", () => {
  expect(formatAcceptContact("filetransfer")).toBe('*;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.filetransfer"');
  expect(formatServiceId("filetransfer")).toBe("urn:urn-7:3gpp-service.ims.icsi.oma.cpm.filetransfer.group");
  expect(formatInstance("urn:gsma:imei:35824005-000001-0")).toBe('+sip.instance="<urn:gsma:imei:35824005-000001-0>"');
});

describe("the device", () => {
  test.each([
    '<sip:alice@192.0.2.1:5060;transport=tcp>;+g.3gpp.icsi-ref="urn%3Aurn-7%3Ax";+sip.instance="<urn:gsma:imei:1-2-3>"',
    '"A;,<\\" B" <sip:a;+sip.instance=no@b>;+SIP.INSTANCE="<urn:gsma:imei:1-2-3>"',
    '*;+sip.instance="<urn:gsma:imei:1-2-3>";explicit;require',
    'sip:alice@192.0.2.1;+sip.instance="<urn:gsma:imei:1-2-3>"',
    '<sip:alice@192.0.2.1>;q=0.5, <sip:alice@192.0.2.2>;+sip.instance="<urn:gsma:imei:1-2-3>"',
  ])("of %s", (line) => expect(sipInstance([line])).toBe("urn:gsma:imei:1-2-3"));

  test.each(["<sip:a;+sip.instance=x@b>", '"+sip.instance=x" <sip:a@b>', "<sip:a@b", '"', ""])("%s names none", (line) => expect(sipInstance([line])).toBeUndefined());
});

test("isfocus is a parameter of Contact and not of its URI or name", () => {
  expect(isFocus(["<sip:g7f3a91@cf.home.example>;isfocus;x=y"])).toBe(true);
  expect(isFocus(["<sip:a@b>", "<sip:c@d>;IsFocus"])).toBe(true);
  expect(isFocus(["<sip:g@cf;isfocus>"])).toBe(false);
  expect(isFocus(['";isfocus" <sip:g@cf>'])).toBe(false);
});

import { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { addressForPeople } from "./public-url.ts";

test("an address that stands for all of the machine's is shown as one that another machine can open", () => {
  const own = Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? []);
  for (const listening of ["http://0.0.0.0:8000/energy", "https://[::]:8000/energy"]) {
    const shown = new URL(addressForPeople(listening));
    expect(own).toContain(shown.hostname);
    expect(shown.href).toBe(`${shown.protocol}//${shown.hostname}:8000/energy`);
  }
  for (const listening of ["http://127.0.0.1:8000", "https://192.0.2.7:8000/energy", "http://[::1]:8000"]) {
    expect(addressForPeople(listening)).toBe(listening);
  }
});

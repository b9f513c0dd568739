import fc from "fast-check";
import { expect, test } from "vitest";
import { redactSecrets } from "./redact-secrets.ts";

test.each([
  ["wb_0123456789abcdef", "wb_***"],
  ["Authorization: bearer abc.def-ghi", "Authorization: bearer ***"],
  [`{'api_key': 'a', "battery": 1}`, `{'api_key': '***', "battery": 1}`],
  ['{"api_token" : "a\\"b", "x": 1}', '{"api_token" : "***", "x": 1}'],
  [
    '{"message": "0001:1:{\\"password\\": \\"a b\\", \\"x\\": 1}"}',
    '{"message": "0001:1:{\\"password\\": \\"***\\", \\"x\\": 1}"}',
  ],
  ['{"password": "ends in a backslash\\\\", "x": "y"}', '{"password": "***", "x": "y"}'],
  ['{"secret": "has no end', '{"secret": "***'],
  ['{"secretary": {"name": "Ann"}, "token_count": 5}', '{"secretary": {"name": "Ann"}, "token_count": 5}'],
  ["", ""],
])("%s becomes %s", (text, redacted) => {
  expect(redactSecrets(text)).toBe(redacted);
});

test("a secret is not shown, whatever it is, however often the message is quoted, and whatever stands beside it", () => {
  const names = fc.constantFrom("token", "api_token", "password", "API_KEY", "clientSecret", "authorization");
  const values = fc.string({
    unit: fc.constantFrom("x", '"', "'", "\\", " ", ":", "é", "\n"),
    minLength: 0,
    maxLength: 12,
  });
  fc.assert(
    fc.property(names, values, fc.nat({ max: 3 }), (name, value, depth) => {
      const wrap = (secret: string) => {
        let text = JSON.stringify({ before: "b", [name]: secret, after: 'a"' });
        for (let level = 0; level < depth; level++) text = JSON.stringify({ message: text });
        return text;
      };
      expect(redactSecrets(wrap(value))).toBe(wrap("***"));
    }),
  );
});

import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Where OpenSSL's command line is, or null. */
export const opensslPath: string | null = spawnSync("which", ["openssl"], { encoding: "utf8" }).stdout?.trim() || null;

/** A certificate that is signed by itself, made out to this name; files in the folder. */
export function makeCertificate(folder: string, name: string): { readonly cert: string; readonly key: string } {
  const cert = join(folder, `${name}.pem`);
  const key = join(folder, `${name}.key`);
  const { status, stderr } = spawnSync(
    "openssl",
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"].concat([
      "-subj",
      `/CN=${name}`,
      "-addext",
      `subjectAltName=DNS:${name}`,
      "-keyout",
      key,
      "-out",
      cert,
    ]),
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`openssl failed: ${stderr}`);
  return { cert, key };
}

import { X509Certificate } from "node:crypto";
import type { CertificateBody } from "@wattboard/protocol";

const begin = "-----BEGIN CERTIFICATE-----";
const end = "-----END CERTIFICATE-----";
const dayMs = 86_400_000;

/** The certificates of a PEM file, in its order: the server's own first, and then its chain. */
export function certificatesOf(pem: Buffer, nowMs: number): CertificateBody[] {
  const blocks = pem.toString("latin1").split(begin).slice(1);
  return blocks.map((block) => {
    const { subject, issuer, validFromDate, validToDate } = new X509Certificate(begin + block.split(end, 1)[0] + end);
    return {
      subject: onOneLine(subject),
      issuer: onOneLine(issuer),
      valid_from: validFromDate.toISOString(),
      valid_to: validToDate.toISOString(),
      days_left: Math.floor((validToDate.getTime() - nowMs) / dayMs),
    };
  });
}

/** Node writes a name over several lines; one without any is that of a certificate that stands for other names alone. */
function onOneLine(name: string | undefined): string {
  return (name ?? "").replaceAll("\n", ", ");
}

import { simulate } from "./simulate.ts";

const [from, to, faultsMs = "90000", kinds] = process.argv.slice(2);
for (let seed = Number(from); seed <= Number(to); seed++) {
  const t = process.cpuUsage();
  const { violation, tail, digest, ...rest } = await simulate({
    seed,
    faultsMs: Number(faultsMs),
    ...(kinds && { kinds: kinds.split(",") as never }),
  });
  const u = process.cpuUsage(t);
  console.log(
    seed,
    JSON.stringify(rest),
    ((u.user + u.system) / 1000).toFixed(0),
    "ms",
    digest.slice(0, 8),
    violation ?? "",
  );
  if (violation && process.env.TAIL) {
    console.log(tail);
    break;
  }
}

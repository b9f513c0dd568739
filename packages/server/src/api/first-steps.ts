import { resolve } from "node:path";
import { type FirstStepsBody, firstStepsSchema, paths } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import type { Authorizer } from "../access/authorizer.ts";
import type { People } from "../access/people.ts";
import { hasRole } from "../access/principal.ts";
import { defineRoute } from "../http/define-route.ts";

export interface FirstStepsParts {
  readonly authorizer: Authorizer;
  readonly dataDir: string;
  readonly people: People;
}

/** `/api/v1/first-steps`: what a person does next, with command lines that name this server's folder. */
export function registerFirstStepsApi(app: FastifyInstance, { authorizer, dataDir, people }: FirstStepsParts): void {
  const ofFolder = (command: string): string =>
    `npx wattboard ${command} --data-dir ${quoteForShell(resolve(dataDir))}`;
  app.get(
    `${paths.api}/first-steps`,
    defineRoute({
      tag: "Signing in",
      role: null,
      summary: "What comes next on a server that is new, or has no devices",
      answer: firstStepsSchema,
    }),
    ({ raw, principal }, reply): FirstStepsBody => {
      reply.header("Cache-Control", "no-store");
      const isNew = !people.hasAdministrator;
      // Where the folder is concerns nobody on other machines.
      const setUp = authorizer.isOnMachine(raw) ? ofFolder("user setup-link") : "npx wattboard user setup-link";
      return {
        is_new: isNew,
        setup_command: isNew ? setUp : null,
        add_device_command: hasRole(principal, "admin") ? ofFolder("device add ems_001") : null,
      };
    },
  );
}

/** As one word of a POSIX shell. */
function quoteForShell(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

import { sendForFile } from "../api/request.ts";
import { apiPaths } from "../paths.ts";
import { Button } from "../ui/button.tsx";
import { FaultLine } from "../ui/fault-line.tsx";
import { saveBlob } from "../ui/save-text.ts";
import { useSubmit } from "../ui/use-submit.ts";

/** Makes the labels with which whoever holds a box makes it theirs. */
export function Labels({ deviceIds }: { readonly deviceIds: readonly string[] }) {
  const making = useSubmit();
  const make = () =>
    making.run(async () => {
      const pdf = await sendForFile("POST", apiPaths.claimLabels, { device_ids: deviceIds });
      saveBlob(deviceIds.length === 1 ? `label-${deviceIds[0]}.pdf` : "labels.pdf", pdf);
    });
  const [words, button] =
    deviceIds.length === 1 ? ["a label", "Make a label"] : ["labels", `Make ${deviceIds.length} labels`];
  return (
    <>
      <p>
        Whoever holds a box makes it theirs with its label: a PDF of A4 sheets with {words} to print. A former label
        becomes worthless. A device that somebody has claimed gets none.
      </p>
      <FaultLine fault={making.fault} />
      <div className="buttons">
        <Button disabled={making.busy || deviceIds.length === 0} onClick={make}>
          {button}
        </Button>
      </div>
    </>
  );
}

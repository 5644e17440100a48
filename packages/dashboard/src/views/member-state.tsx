import type { JSX } from "preact";
import type { MemberLiveness, MemberView } from "holdfast/telemetry";
import { Badge, type Tone } from "../parts/badge.tsx";
import type { IconName } from "../parts/icon.tsx";

const looks: { readonly [State in MemberLiveness]: readonly [Tone, IconName] } = {
  answers: ["good", "good"],
  silent: ["warn", "silent"],
  stopped: ["bad", "stopped"],
  left: ["idle", "idle"],
};

export function livenessTone(liveness: MemberLiveness): Tone {
  return looks[liveness]?.[0] ?? "idle";
}

export function Liveness({ member }: { readonly member: MemberView }): JSX.Element {
  const [tone, icon] = looks[member.liveness] ?? ["idle", "idle"];
  return (
    <Badge tone={tone} icon={icon}>
      {member.liveness}
    </Badge>
  );
}

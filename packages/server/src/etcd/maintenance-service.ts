import type { Member } from "holdfast/coordination";
import { grpcCode } from "../grpc/status-code.ts";
import { unary, type Method, type MethodCall } from "./method.ts";
import { statusResponse } from "./responses.ts";
import { RequestError } from "./status.ts";
import type { WireMessage } from "./wire-type.ts";

/** etcdserverpb.Maintenance */
export const maintenanceMethods: readonly Method[] = [
  unary(["/etcdserverpb.Maintenance/Status", "/maintenance/status", "StatusRequest", "StatusResponse"], statusResponse),
  unary(["/etcdserverpb.Maintenance/Alarm", "/maintenance/alarm", "AlarmRequest", "AlarmResponse"], alarm),
];

/** There are no alarms to list; raising one by hand is not served. */
function alarm(_member: Member, call: MethodCall): WireMessage {
  const { action } = call.message as { readonly action: number };
  if (action === 0) return {};
  throw new RequestError(grpcCode.UNIMPLEMENTED, "holdfast: alarms can only be listed (action GET)");
}

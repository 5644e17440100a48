/** The same call with some methods of its own: whatever else this version of gRPC asks of a call, the call answers itself. */
export function overlay<Call extends object>(call: Call, methods: Partial<Call>): Call {
  return new Proxy(call, {
    get(target, name) {
      const own: unknown = Reflect.get(methods, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

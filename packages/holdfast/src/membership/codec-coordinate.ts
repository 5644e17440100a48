import { type ByteReader, type ByteWriter, MalformedError } from "../wire/index.ts";
import { coordinateDimensions, isCoordinate, type Coordinate } from "./coordinate.ts";

/** The same four bytes as a number and as bits. */
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Single precision: round trips are not known to better than one part in ten million. */
export function writeCoordinate(writer: ByteWriter, coordinate: Coordinate): void {
  for (const value of coordinate.vector) writeFloat(writer, value);
  writeFloat(writer, coordinate.height);
  writeFloat(writer, coordinate.error);
  writeFloat(writer, coordinate.adjustment);
}

export function readCoordinate(reader: ByteReader): Coordinate {
  const start = reader.offset;
  const vector = Array.from({ length: coordinateDimensions }, () => readFloat(reader));
  const [height, error, adjustment] = [readFloat(reader), readFloat(reader), readFloat(reader)];
  const coordinate: Coordinate = { vector, height, error, adjustment };
  if (!isCoordinate(coordinate)) throw new MalformedError("coordinate", start, "must hold finite numbers");
  return coordinate;
}

function writeFloat(writer: ByteWriter, value: number): void {
  float[0] = value;
  writer.u32(bits[0]!);
}

function readFloat(reader: ByteReader): number {
  bits[0] = reader.u32("coordinate");
  return float[0]!;
}

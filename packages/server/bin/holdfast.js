#!/usr/bin/env -S node --conditions=source
import "@holdfast/server/cli";

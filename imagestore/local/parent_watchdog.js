// Loaded before a Node program: ends it when its parent, at the other end of standard input, is gone.
"use strict";
const end = () => process.kill(process.pid, "SIGTERM");
process.stdin.on("end", end).on("error", end).resume();
process.stdin.unref(); // a program that has ended its own work must not be kept by this

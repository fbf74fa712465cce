#!/bin/sh
# The reference MCP server and one of files, unpacked into ./node_modules as package-lock.json pins it.
# Nothing is put on the system. About 35 MB on disk. Needs node and npm. Where it is there already, nothing happens.
set -e
cd "$(dirname "$0")"
[ -e node_modules/.package-lock.json ] && [ ! package-lock.json -nt node_modules/.package-lock.json ] && exit 0
npm ci --silent --ignore-scripts --no-audit --no-fund
touch node_modules/.package-lock.json

/** Measurements, run by {@code mvn -Pbench test} only. What they said: docs/BENCHMARKS.md. */
package dev.portcullis.bench;

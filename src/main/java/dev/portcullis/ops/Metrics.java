package dev.portcullis.ops;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MultiGauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/** The gateway's numbers in Prometheus' text format. Labels are states and harness names, never sessions. */
public final class Metrics {
  private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final AtomicReference<Measured> latest = new AtomicReference<>(Measured.NOTHING);
  private final MultiGauge runs;
  private final MultiGauge harnesses;

  public Metrics() {
    Gauge.builder("portcullis.ready", latest, now -> now.get().ready() ? 1 : 0)
        .description("1 when the gateway takes work")
        .register(registry);
    Gauge.builder("portcullis.sessions.quarantined", latest, now -> now.get().quarantined())
        .description("Sessions whose history is damaged; they take no work")
        .register(registry);
    Gauge.builder("portcullis.approvals.pending", latest, now -> now.get().approvals())
        .description("Questions of agents that wait for a person")
        .register(registry);
    counter("portcullis.accepted", "Turns accepted", Measured::accepted);
    counter("portcullis.terminal", "Runs that ended", Measured::terminal);
    counter("portcullis.journal.events", "Events written in this incarnation", Measured::journalEvents);
    counter("portcullis.journal.batches", "Journal commits in this incarnation", Measured::journalBatches);
    runs = MultiGauge.builder("portcullis.runs").description("Runs that have not ended").register(registry);
    harnesses = MultiGauge.builder("portcullis.harness.up")
        .description("1 when the harness can take a turn")
        .register(registry);
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ClassLoaderMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new FileDescriptorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
  }

  /** For further meters of other parts. */
  public MeterRegistry registry() {
    return registry;
  }

  /** The text of a scrape that shows {@code now}. */
  String scrape(Measured now) {
    latest.set(now);
    rows(runs, "state", now.runs(), Long::doubleValue);
    rows(harnesses, "harness", now.harnesses(), up -> up ? 1 : 0);
    return registry.scrape();
  }

  private void counter(String name, String description, Function<Measured, Long> count) {
    FunctionCounter.builder(name, latest, now -> count.apply(now.get())).description(description)
        .register(registry);
  }

  private static <V> void rows(MultiGauge gauge, String tag, Map<String, V> values,
      ToDoubleFunction<V> number) {
    gauge.register(
        values.entrySet().stream()
            .map(entry -> MultiGauge.Row.of(Tags.of(tag, entry.getKey()),
                number.applyAsDouble(entry.getValue())))
            .collect(Collectors.toList()),
        true);
  }
}

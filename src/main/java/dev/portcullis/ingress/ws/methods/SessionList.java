package dev.portcullis.ingress.ws.methods;

import com.fasterxml.jackson.databind.JsonNode;
import dev.portcullis.ingress.Addressing;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.ws.MethodCall;
import dev.portcullis.protocol.SessionRow;
import dev.portcullis.session.Sessions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Predicate;

/** {@code sessions.list}: the directory's rows, newest first, as many as are asked for. */
final class SessionList {
  /** What says something about rows, and what is about things that this gateway's rows do not have. */
  static final Set<String> PARAMS = Set.of(
      "limit", "offset", "activeMinutes", "activeOnly", "agentId", "search", "archived", "spawnedBy",
      "pinned", "label", "sortBy", "requireLastInteraction", "includeGlobal", "includeUnknown",
      "excludeSubagents", "excludeCron", "excludeSystem", "configuredAgentsOnly", "includeDerivedTitles",
      "includeLastMessage", "includeActivitySummary", "includePeople", "ownerFirst");

  private static final int LIMIT = 100;
  private static final int LIMIT_MAX = 1_000;
  /** What may be asked for; the answer says how many it gives at most. */
  private static final int ASKED_MAX = 100_000;
  private static final int OFFSET_MAX = 100_000;
  private static final int PAGE = 500;

  private final Edge edge;
  private final Addressing addressing;
  private final Agents agents;

  SessionList(Edge edge, Addressing addressing) {
    this.edge = edge;
    this.addressing = addressing;
    this.agents = new Agents(edge.config());
  }

  private record Wanted(String agent, boolean activeOnly, Predicate<SessionRow> rows, boolean all) {}

  CompletionStage<JsonNode> list(MethodCall call) {
    var params = new Params(call.fields());
    int limit = (int) Math.min(LIMIT_MAX, params.whole("limit", LIMIT, 1, ASKED_MAX));
    int offset = (int) params.whole("offset", 0, 0, OFFSET_MAX);
    var wanted = wanted(params);
    return read(call.sessions(), wanted, offset + limit + 1, "", new ArrayList<>()).thenCombine(
        call.sessions().totals(), (found, totals) -> {
          var page = found.stream().skip(offset).limit(limit).toList();
          boolean more = found.size() > offset + limit;
          var json = Json.object()
              .put("ts", edge.clock().millis())
              .put("path", "journal")
              .put("count", page.size())
              .put("limitApplied", limit)
              .put("hasMore", more);
          if (!more) {
            json.put("totalCount", found.size());
          } else if (wanted.all()) {
            json.put("totalCount", totals.sessions());
          }
          json.putNull("nextOffset");
          if (more) {
            json.put("nextOffset", offset + limit);
          }
          json.putArray("owners");
          json.set("defaults", agents.defaults(
              wanted.agent().isEmpty() ? edge.config().defaultAgent() : wanted.agent()));
          var rows = json.putArray("sessions");
          page.forEach(row -> rows.add(RowCodec.row(row, agents)));
          return json;
        });
  }

  /** The first row, newest first, that is meant. */
  CompletionStage<Optional<SessionRow>> find(MethodCall call, Predicate<SessionRow> meant) {
    return read(call.sessions(), new Wanted("", false, meant, false), 1, "", new ArrayList<>())
        .thenApply(rows -> rows.stream().findFirst());
  }

  private Wanted wanted(Params params) {
    var agent = params.optionalText("agentId");
    agent.ifPresent(addressing::requireAgent);
    boolean activeOnly = params.fields().flag("activeOnly");
    long minutes = params.whole("activeMinutes", 0, 0, 10_000_000);
    var search = params.optionalText("search").map(text -> text.toLowerCase(Locale.ROOT));
    var since = edge.clock().instant().minus(Duration.ofMinutes(minutes));
    boolean none = params.optionalText("spawnedBy").isPresent() // Nothing of a session here is so.
        || params.optionalText("label").isPresent()
        || params.given("pinned") && params.fields().flag("pinned")
        || params.fields().object().path("archived").asBoolean();
    Predicate<SessionRow> rows = row -> !none
        && (minutes == 0 || row.updatedAt().isAfter(since))
        && (search.isEmpty() || matches(row, search.get()));
    boolean all = agent.isEmpty() && !activeOnly && !none && minutes == 0 && search.isEmpty();
    return new Wanted(agent.orElse(""), activeOnly, rows, all);
  }

  private static boolean matches(SessionRow row, String text) {
    return row.key().toLowerCase(Locale.ROOT).contains(text)
        || row.title().toLowerCase(Locale.ROOT).contains(text);
  }

  private static CompletionStage<List<SessionRow>> read(
      Sessions sessions, Wanted wanted, int most, String cursor, List<SessionRow> found) {
    var query = new Sessions.Query(Math.min(PAGE, most), cursor, wanted.activeOnly(), wanted.agent());
    return sessions.list(query).thenCompose(page -> {
      page.rows().stream().filter(wanted.rows()).forEach(found::add);
      return found.size() >= most || page.next().isEmpty()
          ? CompletableFuture.completedFuture(found)
          : read(sessions, wanted, most, page.next(), found);
    });
  }
}

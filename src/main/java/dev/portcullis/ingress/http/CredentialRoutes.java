package dev.portcullis.ingress.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.ingress.Credentials;
import dev.portcullis.ingress.Edge;
import dev.portcullis.ingress.Fields;
import dev.portcullis.ingress.Json;
import dev.portcullis.ingress.Operation;
import dev.portcullis.ingress.Principal;
import dev.portcullis.ingress.Scope;
import dev.portcullis.ingress.Token;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/**
 * {@code /api/v1/credentials}: who may come in. A token is told once, to the one who had it made; what is
 * kept of it is told to nobody.
 */
public final class CredentialRoutes {
  private final Edge edge;

  public CredentialRoutes(Edge edge) {
    this.edge = edge;
  }

  public List<Endpoint> endpoints() {
    return List.of(
        Endpoint.get("/api/v1/credentials", Operation.READ_CREDENTIALS, this::list),
        Endpoint.postJson("/api/v1/credentials", Operation.CHANGE_CREDENTIALS, this::add),
        Endpoint.post("/api/v1/credentials/{name}/rotate", Operation.CHANGE_CREDENTIALS, this::rotate),
        Endpoint.delete("/api/v1/credentials/{name}", Operation.CHANGE_CREDENTIALS, this::remove));
  }

  private CompletionStage<HttpResponse> list(Call call) {
    var body = Json.object();
    body.set("data", ApiCodec.array(edge.credentials().list(), (each, json) -> {
      json.setAll(shown(each.principal()));
      json.put("source", each.source().name().toLowerCase(Locale.ROOT));
    }));
    return CompletableFuture.completedFuture(Replies.json(200, body));
  }

  private static ObjectNode shown(Principal principal) {
    var json = Json.object().put("name", principal.name());
    var scopes = json.putArray("scopes");
    principal.scopes().stream().sorted().forEach(scope -> scopes.add(scope.word()));
    return json.put("sessions", principal.seesAll() ? "all" : "own");
  }

  private CompletionStage<HttpResponse> add(Call call) {
    var fields = call.fields();
    var name = fields.text("name");
    var scopes = scopes(fields);
    boolean all = switch (fields.optionalText("sessions").orElse("own")) {
      case "own" -> false;
      case "all" -> true;
      default -> throw Fields.fault("sessions", "must be own or all");
    };
    return minted(201, name, () ->
        edge.credentials().add(name, scopes, all, call.principal(), edge.random()));
  }

  private static Set<Scope> scopes(Fields fields) {
    var scopes = EnumSet.noneOf(Scope.class);
    fields.array("scopes")
        .orElseThrow(() -> Fields.fault("scopes", "is missing; expected an array of scopes"))
        .forEach(word -> scopes.add(Scope.of(word.asText()).orElseThrow(() -> Fields.fault("scopes",
            "may hold " + Scope.words()))));
    return scopes;
  }

  private CompletionStage<HttpResponse> rotate(Call call) {
    var name = call.path("name");
    return minted(200, name, () -> edge.credentials().rotate(name, call.principal(), edge.random()));
  }

  private CompletionStage<HttpResponse> remove(Call call) {
    var name = call.path("name");
    return onDisk(() -> {
      edge.credentials().remove(name, call.principal());
      return Replies.json(200, Json.object().put("name", name).put("removed", true));
    });
  }

  private CompletionStage<HttpResponse> minted(int status, String name, Supplier<Token> mint) {
    return onDisk(() -> {
      var token = mint.get();
      return Replies.json(status, shown(edge.credentials().list().stream()
          .map(Credentials.Listed::principal)
          .filter(principal -> principal.name().equals(name))
          .findFirst()
          .orElseThrow()).put("token", token.reveal()));
    });
  }

  private static <T> CompletionStage<T> onDisk(Supplier<T> work) {
    return CompletableFuture.supplyAsync(work, Thread::startVirtualThread);
  }
}

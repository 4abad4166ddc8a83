package dev.portcullis.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.portcullis.config.CredentialsFile;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A whole gateway with a canary in every secret: none of them may be found where nobody put it. */
class SecretsTest {
  private static final String CANARY = "CANARY";
  private static final String WEBHOOK = "whsec_"
      + Base64.getEncoder().encodeToString("CANARY-webhook-secret-of-many-bytes".getBytes(StandardCharsets.US_ASCII));

  @TempDir Path directory;
  private final List<String> said = new ArrayList<>();

  private String ask(HttpClient http, URI base, String path, String method, String body, String... headers)
      throws IOException, InterruptedException {
    var request = HttpRequest.newBuilder(URI.create(base + path)).method(method, BodyPublishers.ofString(body));
    var answer = http.send((headers.length == 0 ? request : request.headers(headers)).build(), BodyHandlers.ofString());
    said.add(method + " " + path.replaceAll("\\?.*", "") + " " + answer.statusCode() + " " + answer.headers().map() + " "
        + answer.body());
    return answer.body();
  }

  @Test
  @Tag("SEC-54")
  @Tag("SEC-10")
  void noSecretIsFoundOutsideOfItsPlace() throws Exception {
    var data = Files.createDirectories(directory.resolve("data"));
    var owner = CANARY + "-owner-" + "o".repeat(43);
    new CredentialsFile(data).writeToken(owner);
    var launch = GatewayProcess.on(data)
        .set("portcullis.auth.principals.ci",
            "{ token-sha256 = " + CredentialsFile.digest(CANARY + "-ci") + ", scopes = [operator.read] }")
        .set("portcullis.harnesses.gpt", "{ kind = openai, api-key = CANARY-key, model = m, base-url = \"http://127.0.0.1:9/v1\" }")
        .set("portcullis.harnesses.claude", "{ kind = acp, command = claude, env { KEY = CANARY-env } }")
        .set("portcullis.journal.postgresql.password", "CANARY-database")
        .set("portcullis.alerts.webhooks", "[{ url = \"http://127.0.0.1:9/CANARY-hook?x=CANARY\", secret = \"" + WEBHOOK + "\" }]")
        .environment("SOME_TOKEN", "CANARY-environment");
    String minted;
    try (var gateway = launch.start().awaitReady(); var http = HttpClient.newHttpClient()) {
      var base = URI.create(gateway.addresses().orElseThrow().path("http").asText());
      var in = new String[] {"Authorization", "Bearer " + owner, "Content-Type", "application/json"};
      minted = new JsonMapper().readTree(ask(http, base, "/api/v1/credentials", "POST",
          "{\"name\":\"new\",\"scopes\":[\"operator.read\"]}", in)).path("token").asText();
      said.removeLast(); // Its own place: told to who made it.
      assertTrue(minted.matches("[0-9a-f]{64}"), minted);
      ask(http, base, "/v1/models", "GET", "", "Authorization", "Bearer CANARY-wrong");
      ask(http, base, "/v1/models", "GET", "", "Authorization", "Basic CANARY-basic");
      ask(http, base, "/v1/models?token=CANARY&access_token=CANARY", "GET", "");
      ask(http, base, "/api/v1/status?access_token=CANARY", "GET", "", in);
      ask(http, base, "/api/v1/drain", "POST", "", "Authorization", "Bearer CANARY-ci");
      ask(http, base, "/v1/models", "GET", "", "Authorization", "Bearer " + minted);
      ask(http, base, "/v1/models", "GET", "", "Authorization", "Bearer " + owner, "Authorization", "Bearer CANARY-two");
      ask(http, base, "/api/v1/sessions/main/runs", "POST", "{\"message\":", in);
      ask(http, base, "/api/v1/sessions/main/runs", "POST", "{\"message\":\"[[echo fail=broken]]\"}", in);
      ask(http, base, "/api/v1/sessions/main/runs", "POST", "{\"message\":\"[[echo words=3 step=look]]\"}", in);
      malformed(base, "GET /CANARY\u0001 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + owner + "\r\n\r\n");
      malformed(base, "GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer CANARY\u0000\r\n\r\n");
      for (var path : List.of("/api/v1/status", "/api/v1/harnesses", "/api/v1/credentials", "/api/v1/sessions",
          "/api/v1/sessions/main", "/api/v1/sessions/main/history", "/api/v1/sessions/main/export", "/api/v1/journal",
          "/api/v1/approvals", "/v1/models")) {
        ask(http, base, path, "GET", "", in);
      }
      for (var path : List.of("/metrics", "/readyz", "/livez", "/startupz")) {
        ask(http, gateway.management(), path, "GET", "");
      }
      gateway.sigterm();
      assertEquals(0, gateway.exitCode(GatewayProcess.PATIENCE));
      said.addAll(gateway.lines());
    }
    for (var secret : List.of(CANARY, "Q0FOQVJZ", WEBHOOK, minted, CredentialsFile.digest(owner))) {
      said.forEach(line -> assertFalse(line.contains(secret), line));
      try (var files = Files.walk(data)) {
        for (var file : files.filter(Files::isRegularFile).filter(file -> !file.endsWith("token")).toList()) {
          assertFalse(Files.readString(file, StandardCharsets.ISO_8859_1).contains(secret), file + " has " + secret);
        }
      }
    }
  }

  private void malformed(URI base, String request) throws IOException {
    try (var socket = new Socket(base.getHost(), base.getPort())) {
      socket.setSoTimeout(10_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
      said.add(new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    }
  }
}

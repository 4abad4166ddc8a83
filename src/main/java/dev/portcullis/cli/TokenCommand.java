package dev.portcullis.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.portcullis.config.CredentialsFile;
import dev.portcullis.config.GatewayConfig;
import dev.portcullis.journal.StoppedJournal;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "token", mixinStandardHelpOptions = true, description = "Credentials of this data directory.",
    footer = {"", "On a running gateway a change holds at once and ends what is open with the old token; on",
        "a stopped one it is written into the data directory. A token is shown once."})
final class TokenCommand implements Runnable {
  private static final String PATH = "/api/v1/credentials";
  private static final String OWNER = "owner";
  private static final String PREFIX = "operator.";
  private static final Set<String> SCOPES = Set.of("read", "write", "approvals", "pairing", "admin");

  private final Console console;

  @Spec private CommandSpec spec;

  TokenCommand(Console console) {
    this.console = console;
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Say what to do: show, rotate, add, list, remove.");
  }

  @Command(name = "show", mixinStandardHelpOptions = true,
      description = "Prints the first principal's token.")
  int show(@Mixin SettingsOptions settings) {
    console.line(GatewayOptions.fileToken(settings.read(console).data()));
    return 0;
  }

  @Command(name = "rotate", mixinStandardHelpOptions = true,
      description = "Makes a new token in the place of an old one, and prints it.")
  int rotate(
      @Mixin GatewayOptions gateway,
      @Parameters(paramLabel = "NAME", defaultValue = OWNER,
          description = "The principal. Default: ${DEFAULT-VALUE}, whose token is in the data directory.")
          String name) {
    console.line(change(gateway,
        client -> client.post(PATH + "/" + GatewayClient.segment(name) + "/rotate", none())
            .path("token").asText(),
        files -> rotated(files, name)));
    return 0;
  }

  private String rotated(CredentialsFile files, String name) throws IOException {
    var token = CredentialsFile.freshToken(console.random());
    if (name.equals(OWNER)) {
      files.writeToken(token);
    } else {
      var old = files.read().get(name);
      if (old == null) {
        throw unknown(name);
      }
      files.put(new GatewayConfig.Principal(
          name, CredentialsFile.digest(token), old.scopes(), old.seesAll()));
    }
    return token;
  }

  @Command(name = "add", mixinStandardHelpOptions = true,
      description = "Makes a principal, and prints its token.")
  int add(
      @Mixin GatewayOptions gateway,
      @Parameters(paramLabel = "NAME", description = "Letters, digits and _ . -; its sessions are its own.")
          String name,
      @Option(names = "--scopes", paramLabel = "SCOPE", split = ",", required = true,
          description = "What it may do: read, write, approvals, pairing, admin, with commas between.")
          List<String> scopes,
      @Option(names = "--sessions", paramLabel = "own|all", defaultValue = "own",
          description = "Whose sessions it sees. Default: ${DEFAULT-VALUE}.") String sessions) {
    var words = scopes.stream().map(this::scope).collect(Collectors.toCollection(TreeSet::new));
    if (!Set.of("own", "all").contains(sessions)) {
      throw new ParameterException(spec.commandLine(), "--sessions is own or all");
    }
    var body = none().put("name", name).put("sessions", sessions);
    words.forEach(body.putArray("scopes")::add);
    console.line(change(gateway,
        client -> client.post(PATH, body).path("token").asText(),
        files -> added(files, name, words, sessions.equals("all"))));
    return 0;
  }

  private String scope(String word) {
    var bare = word.startsWith(PREFIX) ? word.substring(PREFIX.length()) : word;
    if (!SCOPES.contains(bare)) {
      throw new ParameterException(spec.commandLine(),
          "There is no scope \"" + word + "\"; use read, write, approvals, pairing, admin");
    }
    return PREFIX + bare;
  }

  private String added(CredentialsFile files, String name, Set<String> scopes, boolean all)
      throws IOException {
    if (name.equals(OWNER) || files.read().containsKey(name)) {
      throw CliFault.of(CliFault.Code.REFUSED, "There is a principal \"" + name
          + "\" already; rotate its token, or take another name.");
    }
    var token = CredentialsFile.freshToken(console.random());
    files.put(new GatewayConfig.Principal(name, CredentialsFile.digest(token), scopes, all));
    return token;
  }

  @Command(name = "list", mixinStandardHelpOptions = true, description = "Lists who may come in.")
  int list(
      @Mixin GatewayOptions gateway,
      @Option(names = "--json", description = "Prints the gateway's own answer.") boolean json) {
    var answer = change(gateway, client -> client.get(PATH), files -> listed(gateway, files));
    if (json) {
      console.line(answer.toString());
      return 0;
    }
    var table = new Table("NAME", "SCOPES", "SESSIONS", "SOURCE");
    answer.path("data").forEach(each -> table.row(
        each.path("name").asText("-"),
        StreamSupport.stream(each.path("scopes").spliterator(), false)
            .map(JsonNode::asText)
            .collect(Collectors.joining(",")),
        each.path("sessions").asText("-"),
        each.path("source").asText("-")));
    table.print(console);
    return 0;
  }

  private JsonNode listed(GatewayOptions gateway, CredentialsFile files) throws IOException {
    var answer = none();
    var data = answer.putArray("data");
    var owner = new GatewayConfig.Principal(
        OWNER, "", SCOPES.stream().map(PREFIX::concat).collect(Collectors.toSet()), true);
    put(data.addObject(), owner, "token_file");
    gateway.config(console).principals().values().forEach(each -> put(data.addObject(), each, "settings"));
    files.read().values().forEach(each -> put(data.addObject(), each, "credentials_file"));
    return answer;
  }

  private static void put(ObjectNode json, GatewayConfig.Principal principal, String source) {
    json.put("name", principal.name());
    var scopes = json.putArray("scopes");
    principal.scopes().stream().sorted().forEach(scopes::add);
    json.put("sessions", principal.seesAll() ? "all" : "own").put("source", source);
  }

  @Command(name = "remove", mixinStandardHelpOptions = true,
      description = "Removes a principal. Its sessions stay, for those who see all.")
  int remove(
      @Mixin GatewayOptions gateway,
      @Parameters(paramLabel = "NAME", description = "The principal.") String name) {
    change(gateway,
        client -> client.delete(PATH + "/" + GatewayClient.segment(name)),
        files -> {
          if (!files.remove(name)) {
            throw unknown(name);
          }
          return none();
        });
    console.line(Shown.line(name + ": removed"));
    return 0;
  }

  private static CliFault unknown(String name) {
    return CliFault.of(CliFault.Code.REFUSED, "No principal \"" + Table.printable(name)
        + "\" was added here; those of the settings are changed there.");
  }

  private static ObjectNode none() {
    return JsonNodeFactory.instance.objectNode();
  }

  @FunctionalInterface
  private interface OnFiles<T> {
    T apply(CredentialsFile files) throws IOException;
  }

  /** Through the gateway if one runs, so that it holds at once; else in its files, while none may start. */
  private <T> T change(GatewayOptions gateway, Function<GatewayClient, T> running, OnFiles<T> stopped) {
    if (gateway.named() || gateway.runs(console)) {
      return running.apply(gateway.connect(console));
    }
    var data = gateway.config(console).data();
    try (var _ = StoppedJournal.open(data)) {
      return stopped.apply(new CredentialsFile(data));
    } catch (IOException e) {
      throw CliFault.of(CliFault.Code.REFUSED,
          "The credentials in " + data + " cannot be read or written: " + e.getMessage() + ".", e);
    }
  }
}

package dev.portcullis.boot;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;

/** {@code <data>/run/addresses.json}: where a gateway that is open listens. Gone after a clean stop. */
record AddressesFile(Path path) {
  static AddressesFile in(Path data) {
    return new AddressesFile(data.resolve("run").resolve("addresses.json"));
  }

  /** Appears whole or not at all. */
  void write(String http, String management, long incarnation) throws IOException {
    var owner = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
    Files.createDirectories(path.getParent(), owner);
    var addresses = new LinkedHashMap<String, Object>();
    addresses.put("http", http);
    addresses.put("management", management);
    addresses.put("pid", ProcessHandle.current().pid());
    addresses.put("incarnation", incarnation);
    var draft = path.resolveSibling("addresses.json.new");
    Files.write(draft, new JsonMapper().writeValueAsBytes(addresses));
    Files.move(draft, path, StandardCopyOption.ATOMIC_MOVE);
  }

  void remove() throws IOException {
    Files.deleteIfExists(path);
  }
}

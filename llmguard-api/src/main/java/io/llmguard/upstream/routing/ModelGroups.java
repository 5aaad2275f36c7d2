package io.llmguard.upstream.routing;

import io.llmguard.policy.ModelAccess;
import io.llmguard.upstream.ModelReach;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds the deployments of the name that a client uses; immutable. */
final class ModelGroups {
  private final Map<String, ModelGroup> exact = new LinkedHashMap<>();
  private final List<ModelGroup> wildcards = new ArrayList<>();
  private final Map<String, ModelGroup> byName = new HashMap<>();
  private final Map<String, String> others;

  /**
   * The groups.
   *
   * @param others further names, and the names that they stand for
   */
  ModelGroups(Collection<ModelGroup> groups, Map<String, String> others) {
    for (ModelGroup group : groups) {
      byName.put(group.name(), group);
      if (group.isWildcard()) {
        wildcards.add(group);
      } else {
        exact.put(ModelAccess.canonical(group.name()), group);
      }
    }
    wildcards.sort(Comparator.comparingInt(ModelGroup::precision).reversed());
    Map<String, String> canonical = new HashMap<>();
    others.forEach((name, group) -> canonical.put(ModelAccess.canonical(name), group));
    this.others = Map.copyOf(canonical);
  }

  /** A group, and what the {@code *} of its name stands for. */
  record Found(ModelGroup group, String captured) {}

  /** The group of a name: of an exact one, else of the wildcard that leaves least open. */
  @Nullable Found find(String alias) {
    String name = others.getOrDefault(ModelAccess.canonical(alias), alias);
    ModelGroup group = exact.get(ModelAccess.canonical(name));
    if (group != null) {
      return new Found(group, "");
    }
    for (ModelGroup wildcard : wildcards) {
      String captured = wildcard.captured(name);
      if (captured != null) {
        return new Found(wildcard, captured);
      }
    }
    return null;
  }

  /** What a name reaches: an exact group's own name, a wildcard's with what its {@code *} is. */
  ModelReach.Model reached(String alias, Found found) {
    ModelGroup group = found.group();
    return new ModelReach.Model(
        group.isWildcard()
            ? others.getOrDefault(ModelAccess.canonical(alias), alias)
            : group.name(),
        group.name(),
        group.deployments().stream().map(state -> state.deployment().id()).toList());
  }

  @Nullable ModelGroup named(String name) {
    return byName.get(name);
  }

  Collection<ModelGroup> all() {
    return byName.values();
  }

  /** Every name that clients may use, as far as it is known which names a wildcard stands for. */
  Set<String> names(Availability availability) {
    Set<String> names = new LinkedHashSet<>();
    exact.values().forEach(group -> names.add(group.name()));
    for (ModelGroup wildcard : wildcards) {
      for (DeploymentState state : wildcard.deployments()) {
        Deployment deployment = state.deployment();
        for (String model : availability.models(deployment.upstream())) {
          String alias = ModelGroup.aliasOf(deployment, model);
          if (alias != null) {
            names.add(alias);
          }
        }
      }
    }
    return names;
  }

  /** The names under which clients know an upstream's model. */
  List<String> namesFor(String model) {
    Set<String> names = new LinkedHashSet<>();
    for (ModelGroup group : exact.values()) {
      addNames(group, model, names);
    }
    wildcards.forEach(group -> addNames(group, model, names));
    return List.copyOf(names);
  }

  private static void addNames(ModelGroup group, String model, Set<String> names) {
    for (DeploymentState state : group.deployments()) {
      String alias = ModelGroup.aliasOf(state.deployment(), model);
      if (alias != null) {
        names.add(alias);
      }
    }
  }
}

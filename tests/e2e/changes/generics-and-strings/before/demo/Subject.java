package demo;

public class Subject {
    static String run() {
        java.util.List<String> l = new java.util.ArrayList<>();
        l.add("old");
        return "a" + l + l.size();
    }
}

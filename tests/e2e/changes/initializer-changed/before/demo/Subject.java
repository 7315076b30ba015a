package demo;

public class Subject {
    static String name = "old".trim();

    static String run() {
        return name;
    }
}
